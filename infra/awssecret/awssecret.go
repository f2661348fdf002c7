// Package awssecret edits one secret in AWS Secrets Manager, so that no edit of somebody else's is lost, and makes it if there
// is none. It does not know what the secret says.
package awssecret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"aoai-bridge/infra/awssignin"
)

// Options say which secret it is, and how it is made.
type Options struct {
	ID          string    // name or ARN
	Empty       string    // the text that a secret counts as having which does not exist: {"callers":[]}
	Description string    // of the secret, if it has to be made
	KMSKey      string    // likewise; "" is the account's own
	Notes       io.Writer // for the person who waits
}

// Secret is one secret.
type Secret struct {
	Options
	Region string
	api    *secretsmanager.Client
}

// Open finds region and credentials as every AWS tool does; AWS_ENDPOINT_URL works too.
func Open(ctx context.Context, o Options) (*Secret, error) {
	c, err := awssignin.Config(ctx, "")
	if err != nil {
		return nil, err
	}
	return &Secret{o, c.Region, secretsmanager.NewFromConfig(c)}, nil
}

const (
	currentLabel = "AWSCURRENT"
	editedLabel  = "aoai-bridge-edit" // the label of a version on its way to be current; it stays there until the next edit
	maxTries     = 4                  // the first, and three more after edits by others
)

// Read returns the secret's text, and whether there is a secret.
func (s *Secret) Read(ctx context.Context) (text []byte, found bool, err error) {
	current, err := s.read(ctx)
	switch {
	case missing(err):
		return []byte(s.Empty), false, nil
	case err != nil:
		return nil, false, s.explain(err)
	}
	text, err = s.text(current)
	return text, true, err
}

// Update replaces the secret's text by what change makes of it; nothing is written where that is the same. A secret that
// does not exist is made. Of two updates at once neither is lost: a version becomes current only in
// place of the one that it was made from, else the secret is read and change called again. Secrets Manager
// compares for us when a label is moved, but not when a value is put: an edit by put-secret-value, or in the
// console, between our reading and writing is noticed; one that started from an older text undoes what came
// between, and nothing here can prevent it.
func (s *Secret) Update(ctx context.Context, change func([]byte) ([]byte, error)) error {
	for try := range maxTries {
		if try > 0 {
			fmt.Fprintf(s.Notes, "Somebody else has changed the secret %s; reading it again.\n", s.ID)
		}
		written, err := s.tryUpdate(ctx, change)
		if written || err != nil {
			return err
		}
	}
	return fmt.Errorf("the secret %s was changed by others %d times while this change was made, so it was not made; try again", s.ID, maxTries)
}

// tryUpdate reports whether the secret says now what it should. Neither that nor an error means that another edit came first.
func (s *Secret) tryUpdate(ctx context.Context, change func([]byte) ([]byte, error)) (written bool, err error) {
	from, err := s.read(ctx)
	if missing(err) {
		return s.create(ctx, change)
	}
	if err != nil {
		return false, s.explain(err)
	}
	old, err := s.text(from)
	if err != nil {
		return false, err
	}
	text, err := change(old)
	if err != nil || bytes.Equal(text, old) {
		return err == nil, err
	}
	put, err := s.api.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
		SecretId: &s.ID, SecretString: aws.String(string(text)), VersionStages: []string{editedLabel},
	})
	if err != nil {
		return false, s.explain(err)
	}
	_, failure := s.api.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &s.ID, VersionStage: aws.String(currentLabel), RemoveFromVersionId: from.VersionId, MoveToVersionId: put.VersionId,
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

// create makes the secret, with what change makes of an empty one.
func (s *Secret) create(ctx context.Context, change func([]byte) ([]byte, error)) (written bool, err error) {
	if strings.HasPrefix(s.ID, "arn:") {
		return false, fmt.Errorf("there is no secret %s in %s, or it has no value; to have it made, give its name instead", s.ID, s.Region)
	}
	text, err := change([]byte(s.Empty))
	if err != nil {
		return false, fmt.Errorf("there is no secret %s in %s yet: %w", s.ID, s.Region, err)
	}
	in := secretsmanager.CreateSecretInput{Name: &s.ID, SecretString: aws.String(string(text)), Description: &s.Description}
	if s.KMSKey != "" {
		in.KmsKeyId = &s.KMSKey
	}
	_, err = s.api.CreateSecret(ctx, &in)
	if exists := (*types.ResourceExistsException)(nil); errors.As(err, &exists) {
		if _, err := s.read(ctx); missing(err) {
			return false, fmt.Errorf("the secret %s exists and has no value: aws secretsmanager put-secret-value --secret-id %[1]s --secret-string '%s', then try again", s.ID, s.Empty)
		}
		return false, nil
	}
	if err != nil {
		return false, s.explain(err)
	}
	_, err = fmt.Fprintf(s.Notes, "Made the secret %s in %s, which the stack leaves alone.\n", s.ID, s.Region)
	return true, err
}

func (s *Secret) read(ctx context.Context) (*secretsmanager.GetSecretValueOutput, error) {
	return s.api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.ID})
}

func (s *Secret) text(v *secretsmanager.GetSecretValueOutput) ([]byte, error) {
	if v.SecretString == nil {
		return nil, fmt.Errorf("the secret %s is binary, want JSON text", s.ID)
	}
	return []byte(*v.SecretString), nil
}

func missing(err error) bool {
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok
}

// explain adds to an error what to do about it.
func (s *Secret) explain(err error) error {
	refused, ok := errors.AsType[smithy.APIError](err)
	switch {
	case !ok:
	case refused.ErrorCode() == "AccessDeniedException":
		return fmt.Errorf("these AWS credentials may not edit the secret %s, which takes secretsmanager:GetSecretValue, CreateSecret, "+
			"PutSecretValue and UpdateSecretVersionStage on it (%w)", s.ID, err)
	case refused.ErrorCode() == "InvalidRequestException" && strings.Contains(refused.ErrorMessage(), "deletion"):
		return fmt.Errorf("the secret %s is marked for deletion; to take it up again: aws secretsmanager restore-secret --secret-id %[1]s (%w)", s.ID, err)
	}
	return err
}
