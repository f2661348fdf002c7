package secretsmanager_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"aoai-bridge/infra/local/secretsmanager"
)

func openFile(t *testing.T, path string) (*secretsmanager.Store, *client.Client) {
	t.Helper()
	store, err := secretsmanager.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	return store, newClient(server.URL)
}

// Every change is in the file when the call is answered, with the versions and their labels.
func TestOpenedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.json")
	store, c := openFile(t, path)
	store.Put("put", "one")
	store.Put("removed", "x")
	if _, err := c.CreateSecret(t.Context(), &client.CreateSecretInput{Name: aws.String("made"), SecretString: aws.String("first"), Description: aws.String("text")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutSecretValue(t.Context(), &client.PutSecretValueInput{SecretId: aws.String("made"), SecretBinary: []byte{0, 255}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateSecret(t.Context(), &client.CreateSecretInput{Name: aws.String("deleted"), SecretString: aws.String("x")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteSecret(t.Context(), &client.DeleteSecretInput{SecretId: aws.String("deleted")}); err != nil {
		t.Fatal(err)
	}
	store.Remove("removed")

	list := func(c *client.Client) any {
		out, err := c.ListSecrets(t.Context(), &client.ListSecretsInput{IncludePlannedDeletion: aws.Bool(true)})
		if err != nil {
			t.Fatal(err)
		}
		return out.SecretList
	}
	before := list(c)
	store, c = openFile(t, path)
	if after := list(c); !reflect.DeepEqual(after, before) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	if value, _ := store.Get("put"); value != "one" {
		t.Errorf("got %q", value)
	}
	if got := get(t, c, &client.GetSecretValueInput{SecretId: aws.String("made")}); string(got.SecretBinary) != "\x00\xff" {
		t.Errorf("got %+v", got)
	}
	if got := get(t, c, &client.GetSecretValueInput{SecretId: aws.String("made"), VersionStage: aws.String("AWSPREVIOUS")}); aws.ToString(got.SecretString) != "first" {
		t.Errorf("the version before is %+v", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the file: %v, %v", info.Mode(), err)
	}
	if err := os.Truncate(path, 9); err != nil {
		t.Fatal(err)
	}
	if _, err := secretsmanager.Open(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged file: %v", err)
	}
}
