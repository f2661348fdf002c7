// Deploy brings the stack from a clone to an answer: it checks what is needed, has the SAM CLI build and deploy, makes
// the first caller's key, asks the stack for everything it serves, and prints the line to paste. What SAM does it leaves
// to SAM, and its settings to a file that SAM reads as well, so that `sam` goes on where this stopped.
//
//	make deploy                                          the stack aoai-bridge in the region that AWS tools use
//	make deploy STACK=aoai-two REGION=eu-west-1          another one
//	make deploy PARAMETERS='MemorySize=512 LogLevel=debug'   kept for the next time
//	make deploy YES=1                                    without the one question, whether to execute the change set
//	make undeploy                                        says what goes and what stays, asks, and deletes
//
// All of these are environment variables, which make exports, and KEY is a caller's key for the checks of a stack that
// has callers already.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	story := map[string]func(*session, context.Context) error{"up": (*session).up, "down": (*session).down}
	if len(os.Args) != 2 || story[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "deploy: up or down? Use make deploy or make undeploy.")
		os.Exit(2)
	}
	s, err := open(ctx, os.Getenv)
	if err == nil {
		err = story[os.Args[1]](s, ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "\ndeploy:", err)
		os.Exit(1)
	}
}
