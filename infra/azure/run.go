package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"aoai-bridge/infra/awssecret"
	"aoai-bridge/infra/azure/provision"
	"aoai-bridge/infra/azure/resourcemanager"
	"aoai-bridge/infra/azure/signin"
)

// command is the terminal that it is run at.
type command struct {
	in  *bufio.Reader // answers to questions
	out io.Writer
	yes bool // do not ask
	// azure has how to wait and when to try again; where Azure is, the environment says.
	azure resourcemanager.Options
}

// run does what the arguments say.
func (c *command) run(ctx context.Context, args []string) error {
	var r provision.Request
	flags := flag.NewFlagSet("azure", flag.ContinueOnError)
	flags.SetOutput(c.out)
	flags.StringVar(&r.Name, "name", "", "the resource's name, which is the first label of its address, too")
	flags.StringVar(&r.Location, "location", "", "its region, such as eastus2")
	flags.StringVar(&r.Group, "group", "", "its resource group (default one of its name)")
	flags.StringVar(&r.Kind, "kind", "AIServices", "AIServices, or OpenAI for the older kind")
	flags.StringVar(&r.Subscription, "subscription", os.Getenv("AZURE_SUBSCRIPTION_ID"), "id or name of the subscription (default the only one)")
	file := flags.String("deployments", "", "JSON file with what to deploy (default a model for chat, one for embeddings and one for batches)")
	secret := flags.String("secret", cmp.Or(os.Getenv("AZURE_SECRET_ID"), "aoai-bridge/azure"), "name or ARN of the Azure secret in AWS")
	how := flags.String("signin", "", "device or browser (default the environment, az or azd)")
	yes := flags.Bool("yes", false, "do not ask")
	rotate := flags.String("rotate", "", "name of a resource in the secret, which gets new keys while calls go on")
	remove := flags.Bool("remove", false, "delete the resource, its deployments, its group if nothing else is in it, and its entry in the secret")
	template := flags.String("template", "", "file to write an ARM template into that makes the same; nothing else is done")
	restore := flags.Bool("restore", false, "have a resource of this name back that was deleted within 48 hours")
	purge := flags.Bool("purge", false, "have such a resource gone for good, and make another one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%q is not an option", flags.Arg(0))
	case *restore && *purge:
		return errors.New("RESTORE=1 and PURGE=1 are both given: keep one")
	case *remove && (*file != "" || *restore || *purge):
		return errors.New("REMOVE=1 goes with neither DEPLOYMENTS, RESTORE nor PURGE")
	case *restore:
		r.Deleted = provision.Restore
	case *purge:
		r.Deleted = provision.Purge
	}
	if *file != "" {
		text, err := os.ReadFile(*file)
		if err != nil {
			return err
		}
		if r.Deployments, err = provision.ParseDeployments(text); err != nil {
			return fmt.Errorf("%s: %w", *file, err)
		}
	}
	if *template != "" {
		return c.writeTemplate(*template, r)
	}
	progress := &progress{out: c.out}
	maker, err := c.newMaker(ctx, *how, *secret, progress)
	if err != nil {
		return err
	}
	c.yes = *yes
	var plan *provision.Plan
	if *rotate != "" {
		plan, err = maker.PlanRotation(ctx, r.Subscription, *rotate)
	} else {
		plan, err = c.plan(ctx, maker, r, *remove)
	}
	if err != nil {
		return err
	}
	return c.apply(ctx, plan, progress)
}

func (c *command) writeTemplate(file string, r provision.Request) error {
	text, err := provision.Template(r)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return err
	}
	group := cmp.Or(r.Group, r.Name)
	_, err = fmt.Fprintf(c.out, "%s is written. Somebody who may deploys it: az group create --name %s --location %s; az deployment group create "+
		"--resource-group %[2]s --template-file %[1]s. After that the same command without TEMPLATE writes the secret.\n", file, group, r.Location)
	return err
}

// plan makes the plan, and asks what to do with a resource that was deleted.
func (c *command) plan(ctx context.Context, maker *provision.Maker, r provision.Request, remove bool) (*provision.Plan, error) {
	if remove {
		return maker.PlanRemoval(ctx, r)
	}
	plan, err := maker.Plan(ctx, r)
	if deleted := (*provision.DeletedError)(nil); c.yes || !errors.As(err, &deleted) || r.Deleted != "" {
		return plan, err
	}
	fmt.Fprintln(c.out, err)
	switch answer := c.ask("restore or purge?"); answer {
	case provision.Restore, provision.Purge:
		r.Deleted = answer
		return maker.Plan(ctx, r)
	}
	return nil, errors.New("nothing was changed")
}

// apply shows the plan and, if the person agrees, carries it out.
func (c *command) apply(ctx context.Context, plan *provision.Plan, p *progress) error {
	c.show(plan)
	if len(plan.Steps) == 0 {
		_, err := fmt.Fprintln(c.out, "nothing to do")
		return err
	}
	if !c.confirm("Do this?") {
		return errors.New("nothing was changed")
	}
	plan.Steps = slices.DeleteFunc(plan.Steps, func(s provision.Step) bool { return s.Ask != "" && !c.confirm(s.Ask) })
	if err := plan.Apply(ctx, p.begin); err != nil {
		p.end("failed")
		return fmt.Errorf("%w\nWhat was done before stays. Run the same command again to go on", err)
	}
	p.end("done")
	return nil
}

// httpClient returns a client that trusts the certificates in AZURE_CA_FILE, nil where there is none: it and
// AZURE_RESOURCE_MANAGER_ENDPOINT are for an Azure that is not the public one, such as the local stack's.
func httpClient() (*http.Client, error) {
	file := os.Getenv("AZURE_CA_FILE")
	if file == "" {
		return nil, nil
	}
	trusted, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("AZURE_CA_FILE: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(trusted) {
		return nil, fmt.Errorf("AZURE_CA_FILE: %s has no certificate", file)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, Proxy: http.ProxyFromEnvironment}}, nil
}

// newMaker connects to Azure and AWS.
func (c *command) newMaker(ctx context.Context, signIn, secretID string, p *progress) (*provision.Maker, error) {
	client, err := httpClient()
	if err != nil {
		return nil, err
	}
	credential, err := signin.Credential(signin.Options{
		How: signIn, Tenant: os.Getenv("AZURE_TENANT_ID"), Client: client, Prompt: func(text string) { fmt.Fprintln(p.out, text) },
	})
	if err != nil {
		return nil, err
	}
	o := c.azure
	o.Endpoint, o.Credential, o.Client, o.Waiting = os.Getenv("AZURE_RESOURCE_MANAGER_ENDPOINT"), credential, client, p.wait
	azure, err := resourcemanager.New(o)
	if err != nil {
		return nil, err
	}
	secret, err := awssecret.Open(ctx, awssecret.Options{
		ID: secretID, Empty: `{"resources":[]}`, Description: "Azure OpenAI resources of aoai-bridge, with their keys and deployments", Notes: p,
	})
	if err != nil {
		return nil, err
	}
	return &provision.Maker{Azure: azure, Secret: secret}, nil
}

func (c *command) show(p *provision.Plan) {
	fmt.Fprintln(c.out, "Subscription", p.Subscription)
	for _, part := range []struct {
		mark  string
		lines []string
	}{{"  =", p.There}, {"  !", p.Warnings}, {"  $", p.Charges}} {
		for _, line := range part.lines {
			fmt.Fprintln(c.out, part.mark, line)
		}
	}
	for _, step := range p.Steps {
		note := ""
		if step.Note != "" {
			note = " (" + step.Note + ")"
		}
		fmt.Fprintln(c.out, "  +", step.What+note)
	}
}

// confirm asks, unless YES is given, and takes anything that does not begin with y for no.
func (c *command) confirm(question string) bool {
	return c.yes || strings.HasPrefix(c.ask(question+" [y/N]"), "y")
}

func (c *command) ask(question string) (answer string) {
	fmt.Fprint(c.out, question, " ")
	line, _ := c.in.ReadString('\n') // none is no answer
	return strings.ToLower(strings.TrimSpace(line))
}
