// Package secrets reads Secrets Manager: each secret cached and parsed once per version, with one
// call at a time and the last good value while the service fails.
// It does not know what a secret holds.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"aoai-bridge/shared/clock"
	"aoai-bridge/shared/logsafe"
	"aoai-bridge/shared/refresh"
)

// reloadGap is how often Newer may ask Secrets Manager, however many calls Azure refuses.
const reloadGap = 10 * time.Second

// ErrMissing is wrapped by the errors about a secret that does not exist, or has no value yet.
var ErrMissing = errors.New("does not exist")

// API is the part of *secretsmanager.Client that is used.
type API interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// Version is one version of a secret, parsed.
type Version[T any] struct {
	ID    string // VersionId as Secrets Manager gives it
	Value T
}

// Secret is one secret, parsed into a T. Its methods may be called concurrently.
type Secret[T any] struct {
	value *refresh.Value[Version[T]]
}

// New makes a Secret that is read again after ttl. A version that parse refuses is logged and the
// one before it stays in use. A nil now is clock.Wall.
func New[T any](api API, id string, ttl time.Duration, parse func([]byte) (T, error), now func() time.Time) *Secret[T] {
	now = clock.Or(now)
	var held Version[T] // load runs once at a time, so it needs no lock
	load := func(ctx context.Context) (refresh.Loaded[Version[T]], error) {
		version, err := read(ctx, api, id, held, parse)
		if err != nil {
			slog.ErrorContext(ctx, "secret not read", "secret", id, "error", logsafe.Text(err.Error()))
			return refresh.Loaded[Version[T]]{}, err
		}
		held = version
		return refresh.Loaded[Version[T]]{Value: version, Due: now().Add(ttl)}, nil
	}
	return &Secret[T]{refresh.New(load, now)}
}

// Get returns the version in use. Errors are Secrets Manager's, or parse's.
func (s *Secret[T]) Get(ctx context.Context) (Version[T], error) { return s.value.Get(ctx) }

// Newer is asked when a value was refused where it is used: it reads the secret at once, at most
// every ten seconds, and reports whether another version than that one is now in use.
func (s *Secret[T]) Newer(ctx context.Context, than string) (Version[T], bool) {
	version, err := s.value.Get(ctx)
	if err == nil && version.ID == than {
		version, err = s.value.Reload(ctx, reloadGap)
	}
	return version, err == nil && version.ID != than
}

func read[T any](ctx context.Context, api API, id string, held Version[T], parse func([]byte) (T, error)) (Version[T], error) {
	out, err := api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
	if isMissing(err) {
		return Version[T]{}, fmt.Errorf("secret %q %w: create it, or give the stack the name of another: %w", id, ErrMissing, err)
	}
	if err != nil {
		return Version[T]{}, fmt.Errorf("secret %q cannot be read: %w", id, err)
	}
	version := Version[T]{ID: aws.ToString(out.VersionId)}
	if version.ID == held.ID && version.ID != "" {
		return held, nil
	}
	text := out.SecretBinary
	if out.SecretString != nil {
		text = []byte(*out.SecretString)
	}
	if version.Value, err = parse(text); err != nil {
		return Version[T]{}, fmt.Errorf("secret %q: %w", id, err)
	}
	return version, nil
}

// isMissing reports whether Secrets Manager says that it has no such secret. It says so in two ways: IAM is
// asked first, and a policy that names a secret's ARN, with the six characters at its end, does not match the
// bare name of one that does not exist. The refusal then is "... is not authorized to perform:
// secretsmanager:GetSecretValue on resource: NAME because no identity-based policy allows the
// secretsmanager:GetSecretValue action" (as quoted in nautobot/nautobot-app-secrets-providers#64). Any other
// denial, such as a service control policy's or KMS's, is worded otherwise.
func isMissing(err error) bool {
	if missing := (*types.ResourceNotFoundException)(nil); errors.As(err, &missing) {
		return true
	}
	refused, ok := errors.AsType[smithy.APIError](err)
	return ok && refused.ErrorCode() == "AccessDeniedException" &&
		strings.Contains(refused.ErrorMessage(), "because no identity-based policy allows the secretsmanager:GetSecretValue action")
}
