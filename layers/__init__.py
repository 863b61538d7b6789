"""What Lambdas and the front end share, as layers: the domain, the adapters, the packages of others."""
