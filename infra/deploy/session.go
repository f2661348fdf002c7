package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"golang.org/x/term"
)

// session is one run of the command: what it works on, and with what.
type session struct {
	settings
	yes      bool   // ask nothing
	key      string // of a caller, for the checks; "" if none is known
	template *template
	config   configFile
	deployed map[string]string // the parameters that the stack has, if there is one
	cloud    *cloud
	in       io.Reader
	out      io.Writer
	asks     bool // somebody is there to answer
}

// open finds out what a run is about, and refuses what cannot work.
func open(ctx context.Context, getenv func(string) string) (*session, error) {
	for _, tool := range []struct{ name, remedy string }{
		{"go", "install Go 1.26 or later"},
		{"sam", "install the AWS SAM CLI: pip install aws-sam-cli, or brew install aws-sam-cli"},
	} {
		if _, err := exec.LookPath(tool.name); err != nil {
			return nil, fmt.Errorf("%s is not on the PATH: %s", tool.name, tool.remedy)
		}
	}
	t, err := readTemplate("template.yaml")
	if err != nil {
		return nil, err
	}
	file, err := readConfigFile(settingsFile)
	if err != nil {
		return nil, err
	}
	s := &session{yes: getenv("YES") != "", key: getenv("KEY"), template: t, config: file, in: os.Stdin, out: os.Stdout,
		asks: term.IsTerminal(int(os.Stdin.Fd()))}
	if err := s.settle(ctx, getenv); err != nil {
		return nil, err
	}
	s.cloud, err = openCloud(ctx, s.region)
	return s, err
}

// settle finds the settings: what is asked for now, else what was kept, else the defaults.
func (s *session) settle(ctx context.Context, getenv func(string) string) (err error) {
	s.stack = cmp.Or(getenv("STACK"), "aoai-bridge")
	if s.region, err = s.chooseRegion(ctx, getenv("REGION")); err != nil {
		return err
	}
	given, err := parseOverrides(getenv("PARAMETERS"))
	if err != nil {
		return fmt.Errorf("PARAMETERS: %w", err)
	}
	if s.parameters, err = s.config.overrides(s.settings); err != nil {
		return err
	}
	if s.parameters == nil {
		s.parameters = map[string]string{}
	}
	for name := range s.parameters {
		if _, known := s.template.Parameters[name]; !known { // of another version of the template
			s.say("The template has no parameter %s any more; it is no longer kept.", name)
			delete(s.parameters, name)
		}
	}
	maps.Copy(s.parameters, given)
	return nil
}

// chooseRegion returns the region that was asked for, else the one where the stack is, else the one of every AWS tool.
func (s *session) chooseRegion(ctx context.Context, asked string) (string, error) {
	if asked != "" {
		return asked, nil
	}
	switch kept := s.config.regions(s.stack); len(kept) {
	case 0:
		region, err := defaultRegion(ctx)
		if err == nil && region == "" {
			err = errors.New("which region? For example: make deploy REGION=eu-west-1; or set AWS_REGION, or a profile that has one")
		}
		return region, err
	case 1:
		return kept[0], nil
	default:
		return "", fmt.Errorf("%s was deployed from here in %s: say which one is meant, for example REGION=%s",
			s.stack, strings.Join(kept, " and "), kept[0])
	}
}

// find returns the stack, nil if there is none, and keeps its parameters.
func (s *session) find(ctx context.Context) (*types.Stack, error) {
	found, err := s.cloud.stack(ctx, s.stack)
	if err != nil || found == nil {
		return nil, err
	}
	s.deployed = map[string]string{}
	for _, p := range found.Parameters {
		s.deployed[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	return found, nil
}

// value returns what a parameter will be: SAM leaves those alone that are not set.
func (s *session) value(name string) string {
	if value, ok := s.parameters[name]; ok {
		return value
	}
	if value, ok := s.deployed[name]; ok {
		return value
	}
	if d := s.template.Parameters[name].Default; d != nil {
		return fmt.Sprint(d)
	}
	return ""
}

func (s *session) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// confirm asks a question to which only yes is yes.
func (s *session) confirm(question string) (bool, error) {
	if s.yes {
		return true, nil
	}
	if !s.asks {
		return false, errNobody
	}
	fmt.Fprint(s.out, question+" [y/N] ")
	answer, err := bufio.NewReader(s.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}

var errNobody = errors.New("there is a question to answer, and no terminal: set YES=1 to go on without it")

// command returns a command that works on the session's region, with the terminal as its own.
func (s *session) command(ctx context.Context, env []string, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // which the terminal has sent as well
	c.Env = append(os.Environ(), "AWS_REGION="+s.region, "AWS_DEFAULT_REGION="+s.region, "SAM_CLI_TELEMETRY=0")
	c.Env = append(c.Env, env...)
	c.Stdin, c.Stdout, c.Stderr = s.in, s.out, os.Stderr
	return c
}
