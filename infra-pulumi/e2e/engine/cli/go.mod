// The newest Pulumi CLI whose module is available from the Go module proxy.
module shrinkwrap.example/pulumi-cli

go 1.26.6

require github.com/pulumi/pulumi/pkg/v3 v3.274.1

// Copied from the CLI's own go.mod, because Go ignores the replacements of a module that is not the main one.
replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e
