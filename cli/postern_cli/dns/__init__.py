"""`postern dns`: is a domain's DNS ready for mail, and what is there to publish?"""
