package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"aoai-bridge/shared/azuresecret"
)

// up deploys the stack and shows that it works.
func (s *session) up(ctx context.Context) error {
	s.say("Stack %s in %s, account %s", s.stack, s.region, s.cloud.account)
	if !s.yes && !s.asks {
		return errNobody
	}
	// What is missing or wrong is said before anything is built.
	if err := s.template.checkNames(s.stack, s.region); err != nil {
		return err
	}
	if err := s.template.check(s.parameters); err != nil {
		return err
	}
	before, err := s.find(ctx)
	if err != nil {
		return err
	}
	if err := obstacle(before, s.region); err != nil {
		return s.withFailures(ctx, err)
	}
	if err := s.checkKeepsSecrets(ctx, before); err != nil {
		return err
	}
	if err := s.checkAzureSecret(ctx); err != nil {
		return err
	}

	s.config.put(s.settings)
	if err := s.config.write(settingsFile); err != nil {
		return err
	}
	if err := s.sam(ctx, "build"); err != nil {
		return err
	}
	after, err := s.deploy(ctx, before)
	if err != nil {
		return err
	}

	values := outputs(after)
	base := s.reachable(values["BaseUrl"])
	made, err := s.firstKey(ctx)
	if err != nil {
		return err
	}
	failure := s.checkAnswers(ctx, base)
	s.say("\nbase URL  %s", base)
	s.say("bucket    %s", values["BatchBucket"])
	switch {
	case made != "":
		s.say("key       %s (shown this once)\n\nexport OPENAI_BASE_URL=%s OPENAI_API_KEY=%[1]s", made, base)
	default:
		s.say("key       as before; for another caller: make key NAME=alice STACK=%s\n\nexport OPENAI_BASE_URL=%s", s.stack, base)
	}
	return failure
}

// checkKeepsSecrets returns an error if an update would delete a secret or a bucket that the stack has made, as a
// template of an earlier version made the callers' secret: CloudFormation deletes both at once and for good.
func (s *session) checkKeepsSecrets(ctx context.Context, before *types.Stack) error {
	if before == nil || before.StackStatus == types.StackStatusReviewInProgress {
		return nil
	}
	answer, err := s.cloud.stacks.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &s.stack, TemplateStage: types.TemplateStageProcessed})
	if err != nil {
		return fmt.Errorf("the template of the stack %s cannot be read: %w", s.stack, err)
	}
	deployed, err := parseTemplate([]byte(aws.ToString(answer.TemplateBody)))
	if err != nil {
		return fmt.Errorf("the template of the stack %s: %w", s.stack, err)
	}
	if lost := deployed.lostTo(s.template); len(lost) > 0 {
		return fmt.Errorf("the stack has made %s, which this version leaves to others, so the update would delete it with all that is in it. "+
			"Have CloudFormation keep it first: infra/deploy/README.md says how", strings.Join(lost, " and "))
	}
	return nil
}

// checkAzureSecret returns what is wrong with the secret that says where Azure OpenAI is.
func (s *session) checkAzureSecret(ctx context.Context) error {
	id := s.value("AzureSecretId")
	text, err := s.cloud.secret(ctx, id)
	switch {
	case errors.Is(err, errNoSecret):
		return fmt.Errorf("there is no secret %s in %s that says where Azure OpenAI is. For an Azure OpenAI resource that you have, make it with\n\n"+
			"    aws secretsmanager create-secret --region %[2]s --name %[1]s \\\n"+
			"      --secret-string '{\"endpoint\":\"https://my-resource.openai.azure.com\",\"api_key\":\"...\"}'\n\n"+
			"and otherwise make azure makes both. A secret of another name: PARAMETERS='AzureSecretId=...'; in another region: REGION=", id, s.region)
	case err != nil: // who deploys need not be allowed to read it
		s.say("The secret %s cannot be read here, so it was not checked (%v).", id, err)
		return nil
	}
	if _, err := azuresecret.Parse([]byte(text)); err != nil {
		return fmt.Errorf("the secret %s in %s: %w", id, s.region, err)
	}
	return nil
}

// sam runs a command of the SAM CLI on the stack.
func (s *session) sam(ctx context.Context, command string, options ...string) error {
	args := append([]string{command, "--config-file", settingsFile, "--config-env", s.environment()}, options...)
	if err := s.command(ctx, nil, "sam", args...).Run(); err != nil {
		return fmt.Errorf("sam %s failed (%w); what it says is above", command, err)
	}
	return nil
}

// deploy has SAM execute a change set, and returns the stack as it is then.
func (s *session) deploy(ctx context.Context, before *types.Stack) (*types.Stack, error) {
	known, err := s.cloud.changeSets(ctx, s.stack, before)
	if err != nil {
		return nil, err
	}
	var options []string
	if s.yes {
		options = append(options, "--no-confirm-changeset")
	}
	if err := s.sam(ctx, "deploy", options...); err != nil {
		return nil, s.withFailures(ctx, err)
	}
	after, err := s.cloud.stack(ctx, s.stack)
	if err != nil {
		return nil, err
	}
	// SAM ends well, too, if its question is answered with no.
	open, err := s.cloud.changeSets(ctx, s.stack, after)
	if err != nil {
		return nil, err
	}
	for id := range open {
		if !known[id] {
			// If they stay, they do no harm.
			_, _ = s.cloud.stacks.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{ChangeSetName: &id})
			if after.StackStatus == types.StackStatusReviewInProgress { // a stack of nothing but change sets
				_, _ = s.cloud.stacks.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &s.stack})
			}
			return nil, errors.New("the change set was not executed: nothing was deployed")
		}
	}
	if after == nil {
		return nil, fmt.Errorf("there is no stack %s in %s after sam deploy", s.stack, s.region)
	}
	return after, nil
}

// changeSets returns the ARNs of a stack's change sets that could be executed.
func (c *cloud) changeSets(ctx context.Context, name string, s *types.Stack) (map[string]bool, error) {
	if s == nil {
		return nil, nil
	}
	open := map[string]bool{}
	pages := cloudformation.NewListChangeSetsPaginator(c.stacks, &cloudformation.ListChangeSetsInput{StackName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("the change sets of %s cannot be listed: %w", name, err)
		}
		for _, set := range page.Summaries {
			if set.ExecutionStatus == types.ExecutionStatusAvailable {
				open[aws.ToString(set.ChangeSetId)] = true
			}
		}
	}
	return open, nil
}

// withFailures adds to an error what CloudFormation says about the stack.
func (s *session) withFailures(ctx context.Context, err error) error {
	if reasons := s.cloud.failures(ctx, s.stack); len(reasons) > 0 {
		return fmt.Errorf("%w\nCloudFormation says:\n  %s", err, strings.Join(reasons, "\n  "))
	}
	return err
}

// reachable returns the API's URL, which at another endpoint than AWS's own (AWS_ENDPOINT_URL) is below that.
func (s *session) reachable(base string) string {
	endpoint := os.Getenv("AWS_ENDPOINT_URL")
	api := executeAPI.FindStringSubmatch(base)
	if endpoint == "" || api == nil {
		return base
	}
	return strings.TrimRight(endpoint, "/") + "/restapis/" + api[1] + "/" + api[2] + "/_user_request_" + api[3]
}

var executeAPI = regexp.MustCompile(`^https://([a-z0-9]+)\.execute-api\.[^/]+/([^/]+)(/.*)$`)

// callersSecret returns the name of the secret that lists who may call.
func (s *session) callersSecret() string {
	return cmp.Or(s.value("CallersSecretId"), s.stack+"/callers")
}

// firstKey makes a caller's key if there is no caller, and prints it, since nothing after this may lose it.
func (s *session) firstKey(ctx context.Context) (string, error) {
	secret := s.callersSecret()
	has, err := s.cloud.hasCaller(ctx, secret)
	if err != nil || has {
		return "", err
	}
	name := "first"
	if u, err := user.Current(); err == nil && validCaller.MatchString(u.Username) {
		name = u.Username
	}
	s.say("\nNobody may call yet: a key for %s", name)
	c := s.command(ctx, nil, "go", "run", "./infra/key", "-name", name, "-secret", secret, "-kms-key", s.value("KmsKeyArn"))
	var key bytes.Buffer
	c.Stdout = &key
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("no key was made (%w); what is wrong is above, and make key NAME=%s STACK=%s tries again", err, name, s.stack)
	}
	s.key = strings.TrimSpace(key.String())
	s.say("%s", s.key)
	return s.key, nil
}

var validCaller = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// checkAnswers asks the stack for everything it serves, or without a key whether it is there.
func (s *session) checkAnswers(ctx context.Context, base string) error {
	if err := s.waitUntilHealthy(ctx, strings.TrimSuffix(base, "/v1")+"/health"); err != nil {
		return err
	}
	if s.key == "" {
		s.say("\nThe stack answers. To check all it serves: make smoke BASE_URL=%s KEY=sk-...", base)
		return nil
	}
	s.say("")
	c := s.command(ctx, []string{"BASE_URL=" + base, "KEY=" + s.key}, "go", "run", "./infra/smoke")
	if err := c.Run(); err != nil {
		return errors.New("the stack is deployed, but does not answer everything: see above. To check again: make smoke BASE_URL=" +
			base + " KEY=sk-..., with MODEL= or EMBEDDING_MODEL= for deployments of other names")
	}
	return nil
}

// healthTimeout is how long a new API may take until it is found. API Gateway's names are in DNS within seconds.
const healthTimeout = 2 * time.Minute

func (s *session) waitUntilHealthy(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(r)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("it answers %s", answer.Status)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the stack is deployed, but %s is not there after %s: %w", url, healthTimeout, err)
		case <-time.After(time.Second):
		}
	}
}
