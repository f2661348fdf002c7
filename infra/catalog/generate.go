package main

import "io"

func generate(dir string, out io.Writer) error { return nil }
