"""The data's home on AWS: settings, policies, and the components made from them."""
