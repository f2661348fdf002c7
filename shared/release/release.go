// Package release names the release that a binary was built from.
package release

// Version is the latest tag's, such as "v1.4.0", or "unreleased" where there is none. The Makefile has the linker set it.
var Version = "unreleased"
