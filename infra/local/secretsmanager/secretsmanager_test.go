package secretsmanager_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"aoai-bridge/infra/local/secretsmanager"
)

// open starts a store and a client of it that does not retry.
func open(t *testing.T) (*secretsmanager.Store, *client.Client) {
	t.Helper()
	store := secretsmanager.New()
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	return store, newClient(server.URL)
}

func newClient(url string) *client.Client {
	return client.New(client.Options{
		Region:       "us-east-1",
		BaseEndpoint: &url,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
		RetryMaxAttempts: 1,
	})
}

func get(t *testing.T, c *client.Client, in *client.GetSecretValueInput) *client.GetSecretValueOutput {
	t.Helper()
	out, err := c.GetSecretValue(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestVersions(t *testing.T) {
	_, c := open(t)
	created, err := c.CreateSecret(t.Context(), &client.CreateSecretInput{
		Name: aws.String("app/azure"), SecretString: aws.String("one"), Description: aws.String("d"),
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	put, err := c.PutSecretValue(t.Context(), &client.PutSecretValueInput{SecretId: created.ARN, SecretString: aws.String("two")})
	if err != nil {
		t.Fatal(err)
	}
	arn := *created.ARN
	tests := []struct {
		name   string
		in     client.GetSecretValueInput
		want   string
		stages []string
	}{
		{"by name", client.GetSecretValueInput{SecretId: aws.String("app/azure")}, "two", []string{"AWSCURRENT"}},
		{"by ARN", client.GetSecretValueInput{SecretId: &arn}, "two", []string{"AWSCURRENT"}},
		{"by ARN without suffix", client.GetSecretValueInput{SecretId: aws.String(arn[:len(arn)-7])}, "two", []string{"AWSCURRENT"}},
		{"previous", client.GetSecretValueInput{SecretId: &arn, VersionStage: aws.String("AWSPREVIOUS")}, "one", []string{"AWSPREVIOUS"}},
		{"by version", client.GetSecretValueInput{SecretId: &arn, VersionId: created.VersionId}, "one", []string{"AWSPREVIOUS"}},
		{"by version and stage", client.GetSecretValueInput{SecretId: &arn, VersionId: put.VersionId, VersionStage: aws.String("AWSCURRENT")}, "two", []string{"AWSCURRENT"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := get(t, c, &tt.in)
			if *out.SecretString != tt.want || !slices.Equal(out.VersionStages, tt.stages) || *out.Name != "app/azure" || *out.ARN != arn {
				t.Errorf("got %q %v of %s, want %q %v", *out.SecretString, out.VersionStages, *out.Name, tt.want, tt.stages)
			}
		})
	}
	described, err := c.DescribeSecret(t.Context(), &client.DescribeSecretInput{SecretId: &arn})
	if err != nil {
		t.Fatal(err)
	}
	if len(described.VersionIdsToStages) != 2 || *described.Description != "d" || *described.Tags[0].Value != "v" || described.CreatedDate.IsZero() {
		t.Errorf("described as %+v", described)
	}
}

func TestBinary(t *testing.T) {
	_, c := open(t)
	if _, err := c.CreateSecret(t.Context(), &client.CreateSecretInput{Name: aws.String("b"), SecretBinary: []byte{0, 255}}); err != nil {
		t.Fatal(err)
	}
	out := get(t, c, &client.GetSecretValueInput{SecretId: aws.String("b")})
	if out.SecretString != nil || !slices.Equal(out.SecretBinary, []byte{0, 255}) {
		t.Errorf("got %v %v", out.SecretString, out.SecretBinary)
	}
}

func TestRefusals(t *testing.T) {
	store, c := open(t)
	id := aws.String("name")
	token := aws.String(strings.Repeat("t", 32))
	version := store.Put("name", "one")
	if _, err := c.CreateSecret(t.Context(), &client.CreateSecretInput{Name: aws.String("empty")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateSecret(t.Context(), &client.CreateSecretInput{Name: aws.String("tokened"), SecretString: id, ClientRequestToken: token}); err != nil {
		t.Fatal(err)
	}
	store.Put("gone", "x")
	if _, err := c.DeleteSecret(t.Context(), &client.DeleteSecretInput{SecretId: aws.String("gone")}); err != nil {
		t.Fatal(err)
	}
	getting := func(in client.GetSecretValueInput) error { _, err := c.GetSecretValue(t.Context(), &in); return err }
	putting := func(in client.PutSecretValueInput) error { _, err := c.PutSecretValue(t.Context(), &in); return err }
	creating := func(in client.CreateSecretInput) error { _, err := c.CreateSecret(t.Context(), &in); return err }
	moving := func(in client.UpdateSecretVersionStageInput) error {
		_, err := c.UpdateSecretVersionStage(t.Context(), &in)
		return err
	}
	tests := []struct {
		name, code, message string
		err                 error
	}{
		{"no such secret", "ResourceNotFoundException", "Secrets Manager can't find the specified secret.",
			getting(client.GetSecretValueInput{SecretId: aws.String("other")})},
		{"no value", "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
			getting(client.GetSecretValueInput{SecretId: aws.String("empty")})},
		{"no such version", "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: 0",
			getting(client.GetSecretValueInput{SecretId: id, VersionId: aws.String("0")})},
		{"stage of another version", "InvalidRequestException", "You provided a VersionStage that is not associated to the provided VersionId.",
			getting(client.GetSecretValueInput{SecretId: id, VersionId: &version, VersionStage: aws.String("AWSPREVIOUS")})},
		{"deleted", "InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.",
			getting(client.GetSecretValueInput{SecretId: aws.String("gone")})},
		{"put to none", "ResourceNotFoundException", "Secrets Manager can't find the specified secret.",
			putting(client.PutSecretValueInput{SecretId: aws.String("other"), SecretString: id})},
		{"put nothing", "InvalidRequestException", "You must provide either SecretString or SecretBinary.",
			putting(client.PutSecretValueInput{SecretId: id})},
		{"put too much", "ValidationException", "length less than or equal to 65536",
			putting(client.PutSecretValueInput{SecretId: id, SecretString: aws.String(strings.Repeat("x", 65537))})},
		{"same token, other value", "ResourceExistsException", "You can't modify an existing version",
			putting(client.PutSecretValueInput{SecretId: aws.String("tokened"), SecretString: aws.String("two"), ClientRequestToken: token})},
		{"short token", "InvalidParameterException", "ClientRequestToken must be 32-64 characters long.",
			putting(client.PutSecretValueInput{SecretId: id, SecretString: id, ClientRequestToken: aws.String("t")})},
		{"create again", "ResourceExistsException", "The operation failed because the secret name already exists.",
			creating(client.CreateSecretInput{Name: id, SecretString: id})},
		{"create deleted", "InvalidRequestException", "already scheduled for deletion",
			creating(client.CreateSecretInput{Name: aws.String("gone"), SecretString: id})},
		{"bad name", "ValidationException", "Invalid name.",
			creating(client.CreateSecretInput{Name: aws.String("a b"), SecretString: id})},
		{"move a label from where it is not", "InvalidParameterException", "currently attached to version " + version,
			moving(client.UpdateSecretVersionStageInput{SecretId: id, VersionStage: aws.String("AWSCURRENT"),
				MoveToVersionId: aws.String("v"), RemoveFromVersionId: aws.String("w")})},
		{"take the current label off", "InvalidParameterException", "It can't be completely removed.",
			moving(client.UpdateSecretVersionStageInput{SecretId: id, VersionStage: aws.String("AWSCURRENT"), RemoveFromVersionId: &version})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var apiErr smithy.APIError
			if !errors.As(tt.err, &apiErr) {
				t.Fatalf("got %v", tt.err)
			}
			if apiErr.ErrorCode() != tt.code || !strings.Contains(apiErr.ErrorMessage(), tt.message) {
				t.Errorf("got %v, want %s: %s", apiErr, tt.code, tt.message)
			}
		})
	}
}

func TestClientRequestToken(t *testing.T) {
	_, c := open(t)
	id, token := aws.String("name"), aws.String(strings.Repeat("t", 32))
	for range 2 {
		out, err := c.CreateSecret(t.Context(), &client.CreateSecretInput{Name: id, SecretString: aws.String("one"), ClientRequestToken: token})
		if err != nil || *out.VersionId != *token {
			t.Fatalf("created version %v: %v", out, err)
		}
	}
	if _, err := c.PutSecretValue(t.Context(), &client.PutSecretValueInput{SecretId: id, SecretString: aws.String("two")}); err != nil {
		t.Fatal(err)
	}
	// A repeated call must not make its version current again.
	if _, err := c.PutSecretValue(t.Context(), &client.PutSecretValueInput{SecretId: id, SecretString: aws.String("one"), ClientRequestToken: token}); err != nil {
		t.Fatal(err)
	}
	if got := get(t, c, &client.GetSecretValueInput{SecretId: id}); *got.SecretString != "two" {
		t.Errorf("current is %q, want two", *got.SecretString)
	}
}

// A version staged under another label becomes current only by naming the version that it replaces.
func TestMoveCurrent(t *testing.T) {
	store, c := open(t)
	id := aws.String("name")
	old := store.Put("name", "old")
	staged, err := c.PutSecretValue(t.Context(), &client.PutSecretValueInput{SecretId: id, SecretString: aws.String("new"), VersionStages: []string{"edit"}})
	if err != nil {
		t.Fatal(err)
	}
	if value, _ := store.Get("name"); value != "old" {
		t.Fatalf("current is %q before the move", value)
	}
	if _, err := c.UpdateSecretVersionStage(t.Context(), &client.UpdateSecretVersionStageInput{SecretId: id,
		VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: staged.VersionId, RemoveFromVersionId: &old}); err != nil {
		t.Fatal(err)
	}
	if value, _ := store.Get("name"); value != "new" {
		t.Errorf("current is %q after the move", value)
	}
	if got := get(t, c, &client.GetSecretValueInput{SecretId: id, VersionStage: aws.String("AWSPREVIOUS")}); *got.SecretString != "old" {
		t.Errorf("previous is %q after the move", *got.SecretString)
	}
}

func TestDeleteAndRestore(t *testing.T) {
	store, c := open(t)
	id := aws.String("name")
	store.Put("name", "x")
	if out, err := c.DeleteSecret(t.Context(), &client.DeleteSecretInput{SecretId: id}); err != nil || out.DeletionDate.IsZero() {
		t.Fatalf("%+v %v", out, err)
	}
	if _, err := c.RestoreSecret(t.Context(), &client.RestoreSecretInput{SecretId: id}); err != nil {
		t.Fatal(err)
	}
	get(t, c, &client.GetSecretValueInput{SecretId: id})
	if _, err := c.DeleteSecret(t.Context(), &client.DeleteSecretInput{SecretId: id, ForceDeleteWithoutRecovery: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateSecret(t.Context(), &client.CreateSecretInput{Name: id, SecretString: id}); err != nil {
		t.Errorf("the name is not free after a forced deletion: %v", err)
	}
	store.Remove("name")
	if _, ok := store.Get("name"); ok {
		t.Error("still there after Remove")
	}
}

func TestListSecrets(t *testing.T) {
	store, c := open(t)
	for i := range 5 {
		store.Put(fmt.Sprint("s", i), "x")
	}
	var names []string
	pages := client.NewListSecretsPaginator(c, &client.ListSecretsInput{MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.SecretList {
			names = append(names, *s.Name)
		}
	}
	if want := []string{"s0", "s1", "s2", "s3", "s4"}; !slices.Equal(names, want) {
		t.Errorf("listed %v, want %v", names, want)
	}
}

func TestFaults(t *testing.T) {
	store, c := open(t)
	store.Put("name", "x")
	store.FailNext(1)
	in := &client.GetSecretValueInput{SecretId: aws.String("name")}
	_, err := c.GetSecretValue(t.Context(), in)
	var internal *types.InternalServiceError
	if !errors.As(err, &internal) {
		t.Errorf("got %v, want an InternalServiceError", err)
	}
	get(t, c, in)
	if got := store.Calls("GetSecretValue"); got != 2 {
		t.Errorf("%d calls counted, want 2", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	store, c := open(t)
	store.Put("name", "x")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			store.Put("name", "y")
			if _, err := c.GetSecretValue(context.Background(), &client.GetSecretValueInput{SecretId: aws.String("name")}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
