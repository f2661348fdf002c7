// Key gives a caller a key of its own: it prints a new one once and adds its SHA-256 to the callers'
// secret, where the functions look for it. It makes that secret with the first key. It knows no key except
// the one it has just made.
//
//	make key NAME=alice                              any model
//	make key NAME=alice MODELS=gpt-5.4-mini,gpt-6-luna    these only
//	make key NAME=alice MODELS=gpt-5.4-mini ALLOW=state    and what is stored in Azure (also: data_sources)
//	make key NAME=alice COST_CEILING=500             batches of up to 500 USD each
//	make key NAME=alice REPLACE=1                    another key in place of the one alice has
//	make key NAME=alice REMOVE=1                     none any more
//	make key NAME=alice STACK=aoai-two               a caller of that stack; CALLERS_SECRET_ID names another secret
//	make key NAME=alice KMS_KEY_ARN=arn:aws:kms:...  encrypts the secret with that key, if this makes it
//
// The key goes to standard output and what there is to know about it to standard error, so that
// KEY=$(make -s key NAME=alice) holds the key alone.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"

	"aoai-bridge/infra/awssecret"
	"aoai-bridge/shared/callers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "key:", err)
		}
		os.Exit(1)
	}
}

// validName lets a name stand in a log record, a metric and an object's key as it is.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

func run(ctx context.Context, args []string, out, notes io.Writer) error {
	flags := flag.NewFlagSet("key", flag.ContinueOnError)
	flags.SetOutput(notes)
	name := flags.String("name", "", "the caller's name")
	models := flags.String("models", "", `models it may use, comma-separated (default "*", any)`)
	allow := flags.String("allow", "", `what a key that is bound to models may reach besides, comma-separated: state, data_sources; "none" takes that back`)
	ceiling := flags.String("cost-ceiling", "", `the most that a batch of the caller's may cost, in USD, or "none" (default the stack's)`)
	replace := flags.Bool("replace", false, "give a caller that has a key another one; the old key is lost")
	remove := flags.Bool("remove", false, "take the caller out of the secret")
	secret := flags.String("secret", cmp.Or(os.Getenv("CALLERS_SECRET_ID"), cmp.Or(os.Getenv("STACK"), "aoai-bridge")+"/callers"), "name or ARN of the callers' secret")
	kmsKey := flags.String("kms-key", os.Getenv("KMS_KEY_ARN"), "KMS key that encrypts the secret, if it is made now (default the account's aws/secretsmanager)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%q is not an option", flags.Arg(0))
	case !validName.MatchString(*name):
		return fmt.Errorf("the caller's name is %q, want up to 64 letters, digits and any of . _ @ - for example: make key NAME=alice", *name)
	case *remove && (*replace || *models != "" || *allow != "" || *ceiling != ""):
		return errors.New("-remove goes with neither -replace nor -models, -allow and -cost-ceiling")
	}
	most, err := parseCeiling(*ceiling)
	if err != nil {
		return err
	}
	s, err := awssecret.Open(ctx, awssecret.Options{
		ID: *secret, Empty: `{"callers":[]}`, KMSKey: *kmsKey, Notes: notes,
		Description: "Who may call aoai-bridge, by the SHA-256 of their keys, and which models they may use",
	})
	if err != nil {
		return err
	}
	if *remove {
		if err := s.Update(ctx, func(text []byte) ([]byte, error) { return removeFrom(text, *name) }); err != nil {
			return err
		}
		_, err := fmt.Fprintf(notes, "%s is out. Its key stops working within %.0f s.\n", *name, callers.TTL.Seconds())
		return err
	}
	key := "sk-" + rand.Text() // 130 random bits
	g := grant{name: *name, key: key, models: splitList(*models), allow: splitList(*allow), ceiling: most}
	if *allow == "none" {
		g.allow = []string{}
	}
	change := g.addTo
	if *replace {
		change = g.replaceIn
	}
	if err := s.Update(ctx, change); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, key); err != nil {
		return err
	}
	_, err = fmt.Fprintf(notes, "The key of %s, shown this once. It works within %.0f s.\n", *name, callers.TTL.Seconds())
	return err
}

// parseCeiling reads a ceiling, for which 0 is none; nil means that none was given.
func parseCeiling(text string) (usd *float64, err error) {
	switch text {
	case "":
		return nil, nil
	case "none":
		return new(float64), nil
	}
	usd = new(float64)
	if json.Unmarshal([]byte(text), usd) != nil || *usd < 0 || text == "null" { // unlike strconv it takes no Inf
		return nil, fmt.Errorf("the cost ceiling is %q, want an amount in USD such as 500, or none", text)
	}
	return usd, nil
}

// splitList splits at commas; nil means that the list is empty.
func splitList(models string) []string {
	var names []string
	for name := range strings.SplitSeq(models, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}
