package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"aoai-bridge/infra/azure/provision"
	"aoai-bridge/infra/azure/resourcemanager"
)

// command is the terminal that it is run at.
type command struct {
	in     *bufio.Reader // answers to questions
	out    io.Writer
	yes    bool // do not ask
	silent bool // a question got no answer
	// azure has how to wait and when to try again; where Azure is, the environment says.
	azure resourcemanager.Options
}

// run does what the arguments say.
func (c *command) run(ctx context.Context, args []string) error {
	o, err := parse(args, c.out)
	if err != nil {
		return err
	}
	if o.template != "" {
		return c.writeTemplate(o.template, o.request)
	}
	c.yes = o.yes
	progress := &progress{out: c.out}
	maker, err := c.connect(ctx, o, progress)
	if err != nil {
		return err
	}
	if o.federation {
		if o.request.Federation, err = openFederation(ctx, o.stack); err != nil {
			return err
		}
	}
	var plan *provision.Plan
	switch {
	case o.rotate != "":
		plan, err = maker.PlanRotation(ctx, o.request.Subscription, o.rotate)
	case o.keysOff:
		plan, err = maker.PlanKeysOff(ctx, o.request)
	case o.remove:
		plan, err = maker.PlanRemoval(ctx, o.request)
	default:
		plan, err = c.plan(ctx, maker, o.request)
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
	_, err = fmt.Fprintf(c.out, "%s is written. To deploy it: az group create --name %s --location %s; az deployment group create "+
		"--resource-group %[2]s --template-file %[1]s. After that the same command without TEMPLATE writes the secret.\n", file, group, r.Location)
	return err
}

// plan makes the plan. It asks about what has to come before it, and what to do with a resource that was deleted.
func (c *command) plan(ctx context.Context, maker *provision.Maker, r provision.Request) (*provision.Plan, error) {
	plan, err := maker.Plan(ctx, r)
	if missing := (*provision.RegisterError)(nil); errors.As(err, &missing) {
		fmt.Fprintln(c.out, err)
		if !c.confirm("Register it, which takes some minutes?") {
			return nil, c.unchanged()
		}
		if err := maker.Register(ctx, missing); err != nil {
			return nil, err
		}
		plan, err = maker.Plan(ctx, r)
	}
	if deleted := (*provision.DeletedError)(nil); c.yes || !errors.As(err, &deleted) || r.Deleted != "" {
		return plan, err
	}
	fmt.Fprintln(c.out, err)
	switch answer := c.ask("restore or purge?"); answer {
	case provision.Restore, provision.Purge:
		r.Deleted = answer
		return maker.Plan(ctx, r)
	}
	return nil, c.unchanged()
}

// apply shows the plan and, if the person agrees, carries it out.
func (c *command) apply(ctx context.Context, plan *provision.Plan, p *progress) error {
	c.show(plan)
	if len(plan.Steps) == 0 {
		_, err := fmt.Fprintln(c.out, "nothing to do")
		return err
	}
	if !c.confirm("Do this?") {
		return c.unchanged()
	}
	var steps []provision.Step
	for _, step := range plan.Steps {
		switch {
		case step.Ask == "" || c.confirm(step.Ask):
			steps = append(steps, step)
		case step.Needed:
			return c.unchanged()
		}
	}
	plan.Steps = steps
	if err := plan.Apply(ctx, p.begin); err != nil {
		p.end("failed")
		return fmt.Errorf("%w\nWhat was done before stays. Run the same command again to go on", err)
	}
	p.end("done")
	if plan.After != "" {
		fmt.Fprintln(c.out, plan.After)
	}
	return nil
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
	line, err := c.in.ReadString('\n')
	c.silent = err != nil && line == ""
	return strings.ToLower(strings.TrimSpace(line))
}

// unchanged is the error of a command whose question was not answered with yes.
func (c *command) unchanged() error {
	if c.silent {
		return errors.New("nothing was changed: there is a question to answer, and no terminal; YES=1 goes on without it")
	}
	return errors.New("nothing was changed")
}
