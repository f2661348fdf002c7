package main

import (
	"fmt"
	"io"

	"aoai-bridge/infra/azure/provision"
)

// progress shows the steps as they are taken: a line for each, with a dot for each wait.
type progress struct {
	out   io.Writer
	under bool // in a line that has not ended
}

func (p *progress) begin(s provision.Step) {
	p.end("done")
	fmt.Fprint(p.out, s.What, " ")
	p.under = true
}

func (p *progress) wait() {
	if p.under {
		fmt.Fprint(p.out, ".")
	}
}

// Write ends the line first.
func (p *progress) Write(text []byte) (int, error) {
	if p.under {
		fmt.Fprintln(p.out)
	}
	p.under = false
	return p.out.Write(text)
}

func (p *progress) end(how string) {
	if p.under {
		fmt.Fprintln(p.out, "", how)
	}
	p.under = false
}
