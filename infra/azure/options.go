package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"aoai-bridge/infra/azure/provision"
)

// options are the arguments. The Makefile's variables are named after them.
type options struct {
	request        provision.Request
	secret, signIn string
	yes            bool
	template       string // a file to write, in place of all else
	federation     bool
	stack          string

	// At most one of these is given, in place of making the resource.
	remove, keysOff bool
	rotate          string // the name of a resource in the secret
}

func parse(args []string, out io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("azure", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.request.Name, "name", "", "the resource's name, which is the first label of its address, too")
	flags.StringVar(&o.request.Location, "location", "", "its region, such as eastus2")
	flags.StringVar(&o.request.Group, "group", "", "its resource group (default one of its name)")
	flags.StringVar(&o.request.Kind, "kind", "AIServices", "AIServices, or OpenAI for the older kind")
	flags.StringVar(&o.request.Subscription, "subscription", os.Getenv("AZURE_SUBSCRIPTION_ID"), "id or name of the subscription (default the only one)")
	file := flags.String("deployments", "", "JSON file with what to deploy (default a model for chat, one for embeddings and one for batches)")
	flags.StringVar(&o.secret, "secret", cmp.Or(os.Getenv("AZURE_SECRET_ID"), "aoai-bridge/azure"), "name or ARN of the Azure secret in AWS")
	flags.StringVar(&o.signIn, "signin", "", "device or browser (default the environment, az or azd)")
	flags.BoolVar(&o.yes, "yes", false, "do not ask")
	flags.StringVar(&o.template, "template", "", "file to write an ARM template into that makes the same; nothing else is done")
	flags.BoolVar(&o.federation, "federation", false, "have the functions sign in by tokens of AWS in place of a key")
	flags.StringVar(&o.stack, "stack", cmp.Or(os.Getenv("STACK"), "aoai-bridge"), "the stack whose functions these are")
	flags.BoolVar(&o.remove, "remove", false, "delete the resource, what was made with it, and its entry in the secret")
	flags.BoolVar(&o.keysOff, "keys-off", false, "switch off the resource's keys, which nothing uses any more")
	flags.StringVar(&o.rotate, "rotate", "", "name of a resource in the secret, which gets new keys while calls go on")
	restore := flags.Bool("restore", false, "have a resource of this name back that was deleted within 48 hours")
	purge := flags.Bool("purge", false, "have such a resource gone for good, and make another one")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	making := *file != "" || *restore || *purge || o.federation || o.template != ""
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("%q is not an option", flags.Arg(0))
	case *restore && *purge:
		return nil, errors.New("RESTORE=1 and PURGE=1 are both given: keep one")
	case (o.remove || o.keysOff) && making, o.remove && o.keysOff:
		return nil, errors.New("REMOVE=1 and KEYS=off are commands of their own, without DEPLOYMENTS, RESTORE, PURGE, FEDERATION and TEMPLATE")
	case o.federation && o.template != "":
		return nil, errors.New("TEMPLATE has no federation in it: have the template deployed, then run the command with FEDERATION=1")
	case *restore:
		o.request.Deleted = provision.Restore
	case *purge:
		o.request.Deleted = provision.Purge
	}
	if *file == "" {
		return o, nil
	}
	text, err := os.ReadFile(*file)
	if err != nil {
		return nil, err
	}
	if o.request.Deployments, err = provision.ParseDeployments(text); err != nil {
		return nil, fmt.Errorf("%s: %w", *file, err)
	}
	return o, nil
}
