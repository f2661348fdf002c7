// Azure makes the Azure side of the bridge: a resource, its deployments, and the secret in which the functions find them.
//
//	make azure NAME=my-aoai LOCATION=eastus2                     the default deployments
//	make azure NAME=my-aoai DEPLOYMENTS=deployments.json         those
//	make azure NAME=my-aoai LOCATION=eastus2 LOCAL=1             the same in the local stack
//
// It shows a plan and asks before it changes anything. README.md beside this file has the rest.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c := command{in: bufio.NewReader(os.Stdin), out: os.Stdout}
	if err := c.run(ctx, os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "azure:", err)
		}
		os.Exit(1)
	}
}
