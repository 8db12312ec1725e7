"""The bucket with the data on AWS, and access to it: settings, policies, and the components made from them."""
