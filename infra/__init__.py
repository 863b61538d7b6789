"""The CDK constructs, one per noun."""
