package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secrettypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"aoai-bridge/infra/awssignin"
)

// cloud is one region of an AWS account.
type cloud struct {
	region  string
	account string
	stacks  *cloudformation.Client
	secrets *secretsmanager.Client
	objects *s3.Client
}

// defaultRegion returns the region that every AWS tool would use, "" if none is set.
func defaultRegion(ctx context.Context) (string, error) {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return "", fmt.Errorf("AWS is not configured: %w", err)
	}
	return c.Region, nil
}

// openCloud finds credentials as every AWS tool does, and has AWS say whose they are.
func openCloud(ctx context.Context, region string) (*cloud, error) {
	c, err := awssignin.Config(ctx, region)
	if err != nil {
		return nil, err
	}
	who, err := sts.NewFromConfig(c).GetCallerIdentity(ctx, nil)
	if err != nil {
		return nil, explainIdentity(err, region)
	}
	return &cloud{
		region: region, account: aws.ToString(who.Account),
		stacks: cloudformation.NewFromConfig(c), secrets: secretsmanager.NewFromConfig(c),
		objects: s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = c.BaseEndpoint != nil }),
	}, nil
}

// explainIdentity says what to do when AWS does not say whose the credentials are.
func explainIdentity(err error, region string) error {
	var refused smithy.APIError
	if errors.As(err, &refused) {
		switch refused.ErrorCode() {
		case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
			return errors.New("the AWS credentials have expired: sign in again, with aws sso login or aws login, or fetch new ones")
		case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidToken":
			return fmt.Errorf("AWS does not know these credentials (%s): check AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret; "+
				"in a region that an account must opt in to, it also means that the account has not", refused.ErrorCode())
		}
	}
	var unknown *net.DNSError
	if errors.As(err, &unknown) && unknown.IsNotFound {
		return fmt.Errorf("AWS does not answer in a region %s: check REGION (or AWS_REGION) for a typo, and that this machine is online", region)
	}
	return fmt.Errorf("AWS does not say whose the credentials are: %w", err)
}

// stack returns a stack, nil if there is none.
func (c *cloud) stack(ctx context.Context, name string) (*types.Stack, error) {
	answer, err := c.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	var refused smithy.APIError
	if errors.As(err, &refused) && refused.ErrorCode() == "ValidationError" && strings.Contains(refused.ErrorMessage(), "does not exist") {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("the stack %s in %s cannot be looked up: %w", name, c.region, err)
	}
	return &answer.Stacks[0], nil
}

// obstacle returns why a stack cannot be changed in the state it is in, and what to do; nil if it can. A stack in
// REVIEW_IN_PROGRESS has a change set that nobody has executed, and nothing else.
func obstacle(s *types.Stack, region string) error {
	if s == nil {
		return nil
	}
	name, state := aws.ToString(s.StackName), s.StackStatus
	of := fmt.Sprintf(" --stack-name %s --region %s", name, region)
	switch {
	case state == types.StackStatusReviewInProgress:
		return nil
	case state == types.StackStatusUpdateRollbackFailed:
		return fmt.Errorf("the stack %s is in %s: first run aws cloudformation continue-update-rollback%s", name, state, of)
	case strings.HasSuffix(string(state), "_IN_PROGRESS"):
		return fmt.Errorf("the stack %s is being changed (%s): try again when that is done; aws cloudformation describe-stack-events%s shows how far it is", name, state, of)
	case state == types.StackStatusRollbackComplete, state == types.StackStatusRollbackFailed, state == types.StackStatusCreateFailed,
		state == types.StackStatusDeleteFailed:
		return fmt.Errorf("the stack %s is in %s and can only be deleted: make undeploy STACK=%[1]s REGION=%[3]s, then deploy it again", name, state, region)
	}
	return nil
}

// failures returns why the latest change of a stack failed, oldest first.
func (c *cloud) failures(ctx context.Context, name string) (reasons []string) {
	answer, err := c.stacks.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &name})
	if err != nil {
		return nil // what is wrong has been said, only less well
	}
	for _, e := range answer.StackEvents { // the latest first
		reason := aws.ToString(e.ResourceStatusReason)
		if aws.ToString(e.LogicalResourceId) == name && strings.Contains(reason, "User Initiated") {
			break
		}
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") && reason != "" && !strings.Contains(reason, "cancelled") {
			reasons = append([]string{aws.ToString(e.LogicalResourceId) + ": " + reason}, reasons...)
		}
	}
	return reasons
}

// outputs returns what a stack says about itself.
func outputs(s *types.Stack) map[string]string {
	values := map[string]string{}
	for _, o := range s.Outputs {
		values[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return values
}

// errNoSecret means that there is no secret of a name, or that it has no value.
var errNoSecret = errors.New("no such secret")

func (c *cloud) secret(ctx context.Context, id string) (string, error) {
	answer, err := c.secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
	var missing *secrettypes.ResourceNotFoundException
	if errors.As(err, &missing) {
		return "", errNoSecret
	} else if err != nil {
		return "", err
	}
	return aws.ToString(answer.SecretString), nil
}

// hasCaller reports whether a callers' secret lists anyone.
func (c *cloud) hasCaller(ctx context.Context, id string) (bool, error) {
	text, err := c.secret(ctx, id)
	if errors.Is(err, errNoSecret) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	var list struct{ Callers []json.RawMessage }
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return false, fmt.Errorf("the secret %s is not the list of callers that make key writes", id)
	}
	return len(list.Callers) > 0, nil
}
