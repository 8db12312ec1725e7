// The last version in which the Python language host was part of the SDK's module. Since then it has been a separate
// module, which is not available from the Go module proxy. Engine and host of different versions are compatible.
module shrinkwrap.example/pulumi-python-host

go 1.25.11

require github.com/pulumi/pulumi/sdk/v3 v3.74.0
