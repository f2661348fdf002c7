// Smoke asks a running stack once for everything it serves and says in a line each how that went. It
// uses no SDK, which would hide what has to be seen on the wire.
//
//	make smoke                                                    the stack that make run started (PORT= as there)
//	make smoke BASE_URL=https://.../prod/v1 KEY=sk-...            a deployed one
//	make smoke ... MODEL=gpt-5.4-mini EMBEDDING_MODEL=my-embeddings     in place of what /models suggests
//
// The exit status is 1 when a check fails. It pays for a few dozen tokens.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s := &stack{
		base:           strings.TrimRight(cmp.Or(os.Getenv("BASE_URL"), localBase(os.Getenv("PORT"))), "/"),
		key:            cmp.Or(os.Getenv("KEY"), "sk-local"), // from the environment, since other users can read a process's arguments
		model:          os.Getenv("MODEL"),
		embeddingModel: os.Getenv("EMBEDDING_MODEL"),
		checks:         slices.Concat(online, offline),
	}
	if failed := s.runChecks(ctx, os.Stdout); failed > 0 {
		fmt.Fprintf(os.Stderr, "%d of %d checks failed against %s\n", failed, len(s.checks), s.base)
		os.Exit(1)
	}
}

// localBase is the base URL of the stack that make run started with this PORT, "" for the one that it has by default.
func localBase(port string) string { return "http://127.0.0.1:" + cmp.Or(port, "8080") + "/v1" }

// checkTimeout is how long one check may take. A cold start and a slow model are well within it.
const checkTimeout = 2 * time.Minute

type check struct {
	name string
	run  func(*stack, context.Context) (saw string, err error)
}

// online checks ask Azure. They run in this order, since the first finds the models that later ones ask.
var online = []check{
	{"models", (*stack).models},
	{"chat", (*stack).chat},
	{"stream", (*stack).stream},
	{"embeddings", (*stack).embeddings},
	{"wrong key", (*stack).wrongKey},
}

// offline checks are about what the stack does by itself, or in its own time.
var offline = []check{
	{"tokens", (*stack).tokens},
	{"batch", (*stack).batch},
}

// runChecks runs every check, writes a line for each and returns how many failed.
func (s *stack) runChecks(ctx context.Context, out io.Writer) (failed int) {
	for _, c := range s.checks {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		start := time.Now()
		saw, err := c.run(s, ctx)
		cancel()
		verdict := "ok"
		if err != nil {
			verdict, saw = "FAILED", err.Error()
			failed++
		}
		fmt.Fprintf(out, "%-7s %-11s %6d ms  %s\n", verdict, c.name, time.Since(start).Milliseconds(), saw)
	}
	return failed
}
