package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
)

// store is one secret in Secrets Manager.
type store struct {
	api    *secretsmanager.Client
	id     string
	region string
}

// openStore finds region and credentials as every AWS tool does; AWS_ENDPOINT_URL works too.
func openStore(ctx context.Context, id string) (*store, error) {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("AWS is not configured: %w", err)
	}
	if c.Region == "" {
		return nil, errors.New("no AWS region: set AWS_REGION to the stack's, or AWS_PROFILE to a profile that has it")
	}
	if _, err := c.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("no AWS credentials: set AWS_PROFILE, or sign in with aws login, aws sso login or aws configure (%w)", err)
	}
	return &store{secretsmanager.NewFromConfig(c), id, c.Region}, nil
}

const (
	currentLabel = "AWSCURRENT"
	editedLabel  = "aoai-bridge-edit" // the label of a version on its way to be current; it stays there until the next edit
	maxTries     = 10
)

// update replaces the secret's text by what change makes of it. Of two updates at once neither is
// lost: a version becomes current only in place of the one that it was made from, else change is
// called again. Secrets Manager compares for us when a label is moved, but not when a value is put:
// an edit by put-secret-value, or in the console, between our reading and writing is noticed; one that
// started from an older text undoes what came between, and nothing here can prevent it.
func (s *store) update(ctx context.Context, change func([]byte) ([]byte, error)) error {
	from, err := s.read(ctx)
	if err != nil {
		return s.explain(err)
	}
	for range maxTries {
		if from.SecretString == nil {
			return fmt.Errorf("the secret %s is binary, want JSON text", s.id)
		}
		text, err := change([]byte(*from.SecretString))
		if err != nil {
			return err
		}
		put, err := s.api.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
			SecretId: &s.id, SecretString: aws.String(string(text)), VersionStages: []string{editedLabel},
		})
		if err != nil {
			return s.explain(err)
		}
		_, failure := s.api.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
			SecretId: &s.id, VersionStage: aws.String(currentLabel), RemoveFromVersionId: from.VersionId, MoveToVersionId: put.VersionId,
		})
		if failure == nil {
			return nil
		}
		current, err := s.read(ctx)
		switch {
		case err != nil:
			return s.explain(err)
		case *current.VersionId == *put.VersionId: // done, but the answer was lost
			return nil
		case *current.VersionId == *from.VersionId: // no other edit came between
			return s.explain(failure)
		}
		from = current
	}
	return fmt.Errorf("the secret %s changed %d times while this change was made; try again", s.id, maxTries)
}

func (s *store) read(ctx context.Context) (*secretsmanager.GetSecretValueOutput, error) {
	return s.api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.id})
}

// explain adds to an error what to do about it.
func (s *store) explain(err error) error {
	var missing *types.ResourceNotFoundException
	var refused smithy.APIError
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("there is no secret %s in %s, or it has no value: deploy the stack first, which makes it; "+
			"if it is under another name or in another region, set CALLERS_SECRET_ID or AWS_REGION", s.id, s.region)
	case errors.As(err, &refused) && refused.ErrorCode() == "AccessDeniedException":
		return fmt.Errorf("these AWS credentials may not edit the secret %s, which takes secretsmanager:GetSecretValue, "+
			"PutSecretValue and UpdateSecretVersionStage on it (%w)", s.id, err)
	}
	return err
}
