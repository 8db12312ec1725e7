// The last version in which the Python language host was part of a module that the proxy has; it is a module of its own
// since, which the proxy does not give. Engine and host of different ages understand each other.
module shrinkwrap.example/pulumi-python-host

go 1.25.11

require github.com/pulumi/pulumi/sdk/v3 v3.74.0
