// The newest Pulumi CLI whose module the Go module proxy gave.
module shrinkwrap.example/pulumi-cli

go 1.26.6

require github.com/pulumi/pulumi/pkg/v3 v3.274.1

// As in the module itself, whose replacements count only where it is built as the main one.
replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e
