package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

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
	kmsKey string // of the secret, if it has to be made; "" is the account's own
	region string
	notes  io.Writer // for the person who waits
}

// openStore finds region and credentials as every AWS tool does; AWS_ENDPOINT_URL works too.
func openStore(ctx context.Context, id, kmsKey string, notes io.Writer) (*store, error) {
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
	return &store{secretsmanager.NewFromConfig(c), id, kmsKey, c.Region, notes}, nil
}

const (
	currentLabel = "AWSCURRENT"
	editedLabel  = "aoai-bridge-edit" // the label of a version on its way to be current; it stays there until the next edit
	maxTries     = 4                  // the first, and three more after edits by others
)

// update replaces the secret's text by what change makes of it. A secret that does not exist counts as one
// without callers, and is made. Of two updates at once neither is lost: a version becomes current only in
// place of the one that it was made from, else the secret is read and change called again. Secrets Manager
// compares for us when a label is moved, but not when a value is put: an edit by put-secret-value, or in the
// console, between our reading and writing is noticed; one that started from an older text undoes what came
// between, and nothing here can prevent it.
func (s *store) update(ctx context.Context, change func([]byte) ([]byte, error)) error {
	for try := range maxTries {
		if try > 0 {
			fmt.Fprintf(s.notes, "Somebody else has changed the secret %s; reading it again.\n", s.id)
		}
		written, err := s.tryUpdate(ctx, change)
		if written || err != nil {
			return err
		}
	}
	return fmt.Errorf("the secret %s was changed by others %d times while this change was made, so it was not made; try again", s.id, maxTries)
}

// tryUpdate reports whether it has written. Neither that nor an error means that another edit came first.
func (s *store) tryUpdate(ctx context.Context, change func([]byte) ([]byte, error)) (written bool, err error) {
	from, err := s.read(ctx)
	if missing(err) {
		return s.create(ctx, change)
	}
	if err != nil {
		return false, s.explain(err)
	}
	if from.SecretString == nil {
		return false, fmt.Errorf("the secret %s is binary, want JSON text", s.id)
	}
	text, err := change([]byte(*from.SecretString))
	if err != nil {
		return false, err
	}
	put, err := s.api.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &s.id, SecretString: aws.String(string(text)), VersionStages: []string{editedLabel},
	})
	if err != nil {
		return false, s.explain(err)
	}
	_, failure := s.api.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &s.id, VersionStage: aws.String(currentLabel), RemoveFromVersionId: from.VersionId, MoveToVersionId: put.VersionId,
	})
	if failure == nil {
		return true, nil
	}
	current, err := s.read(ctx)
	switch {
	case err != nil:
		return false, s.explain(err)
	case *current.VersionId == *put.VersionId: // done, but the answer was lost
		return true, nil
	case *current.VersionId == *from.VersionId: // no other edit came between
		return false, s.explain(failure)
	}
	return false, nil
}

// create makes the secret, with what change makes of one without callers.
func (s *store) create(ctx context.Context, change func([]byte) ([]byte, error)) (written bool, err error) {
	if strings.HasPrefix(s.id, "arn:") {
		return false, fmt.Errorf("there is no secret %s in %s, or it has no value; to have it made, give its name instead", s.id, s.region)
	}
	text, err := change([]byte(`{"callers":[]}`))
	if err != nil {
		return false, fmt.Errorf("there is no secret %s in %s yet: %w", s.id, s.region, err)
	}
	in := secretsmanager.CreateSecretInput{
		Name: &s.id, SecretString: aws.String(string(text)),
		Description: aws.String("Who may call aoai-bridge, by the SHA-256 of their keys, and which models they may use"),
	}
	if s.kmsKey != "" {
		in.KmsKeyId = &s.kmsKey
	}
	_, err = s.api.CreateSecret(ctx, &in)
	if exists := (*types.ResourceExistsException)(nil); errors.As(err, &exists) {
		if _, err := s.read(ctx); missing(err) {
			return false, fmt.Errorf(`the secret %s exists and has no value: aws secretsmanager put-secret-value --secret-id %[1]s --secret-string '{"callers":[]}', then try again`, s.id)
		}
		return false, nil
	}
	if err != nil {
		return false, s.explain(err)
	}
	_, err = fmt.Fprintf(s.notes, "Made the secret %s in %s, which the stack leaves alone.\n", s.id, s.region)
	return true, err
}

func (s *store) read(ctx context.Context) (*secretsmanager.GetSecretValueOutput, error) {
	return s.api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.id})
}

func missing(err error) bool {
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok
}

// explain adds to an error what to do about it.
func (s *store) explain(err error) error {
	refused, ok := errors.AsType[smithy.APIError](err)
	switch {
	case !ok:
	case refused.ErrorCode() == "AccessDeniedException":
		return fmt.Errorf("these AWS credentials may not edit the secret %s, which takes secretsmanager:GetSecretValue, CreateSecret, "+
			"PutSecretValue and UpdateSecretVersionStage on it (%w)", s.id, err)
	case refused.ErrorCode() == "InvalidRequestException" && strings.Contains(refused.ErrorMessage(), "deletion"):
		return fmt.Errorf("the secret %s is marked for deletion; to take it up again: aws secretsmanager restore-secret --secret-id %[1]s (%w)", s.id, err)
	}
	return err
}
