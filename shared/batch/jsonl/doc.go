// Package jsonl has the lines of a batch: it reads a caller's requests and Azure's answers one by one, writes requests
// and results, and merges lists of results into the order of the source. It does not know S3, Azure's API, or what a
// job is.
package jsonl
