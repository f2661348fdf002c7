package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	rm "aoai-bridge/infra/azure/resourcemanager"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/azuresecret"
	"aoai-bridge/shared/rawjson"
)

// useEverywhere is how long it takes until every function uses a new key: as long as one keeps the secret, and a minute
// for calls that have begun. One that is later still gets a 401 from Azure, reads the secret, and calls again.
const useEverywhere = azure.SecretTTL + time.Minute

// rotation is about one resource of the secret.
type rotation struct {
	maker    *Maker
	name     string // in the secret
	endpoint string
	path     string // of the account
	idle     string // Key1 or Key2: the one that is not in the secret
	fresh    string
}

// PlanRotation returns how a resource of the secret gets two new keys while calls go on: the key that is not in use is
// regenerated and put into the secret, and once every function uses it, the other one is regenerated. name is the resource's in the secret.
func (m *Maker) PlanRotation(ctx context.Context, subscription, name string) (*Plan, error) {
	p := &Plan{}
	r := &rotation{maker: m, name: name}
	inUse, err := r.readSecret(ctx)
	if err != nil {
		return nil, err
	}
	id, label, err := m.subscription(ctx, subscription)
	if err != nil {
		return nil, explain(err)
	}
	p.Subscription = label
	if err := r.findAccount(ctx, id); err != nil {
		return nil, explain(err)
	}
	keys, err := m.Azure.Post(ctx, r.path+"/listKeys", nil)
	if err != nil {
		return nil, explain(err)
	}
	r.idle = "Key2"
	if inUse == rm.Text(keys, "key2") {
		r.idle = "Key1"
	}
	used := map[string]string{"Key1": "Key2", "Key2": "Key1"}[r.idle]
	secret := m.Secret
	p.add(fmt.Sprintf("regenerate %s of the resource %s", r.idle, name), r.regenerateIdle)
	p.add(fmt.Sprintf("write it into the secret %s in AWS %s", secret.ID, secret.Region), r.writeKey)
	p.add(fmt.Sprintf("wait %.0f minutes, until every function uses it", useEverywhere.Minutes()), func(ctx context.Context) error { return m.Azure.Pause(ctx, useEverywhere) })
	p.add(fmt.Sprintf("regenerate %s, which nothing uses any more", used), func(ctx context.Context) error {
		_, err := m.Azure.Post(ctx, r.path+"/regenerateKey", map[string]any{"keyName": used})
		return err
	})
	return p, nil
}

// readSecret finds the resource in the secret, and returns the key that it has there.
func (r *rotation) readSecret(ctx context.Context) (key string, err error) {
	text, _, err := r.maker.Secret.Read(ctx)
	if err != nil {
		return "", err
	}
	i, resource, err := r.find(text)
	if err != nil {
		return "", err
	}
	if resource.APIKey == "" {
		return "", fmt.Errorf("resource %d of the secret, %s, has no api_key: it signs in by Entra, and there is nothing to rotate", i+1, r.name)
	}
	r.endpoint = resource.Endpoint
	return resource.APIKey, nil
}

func (r *rotation) find(text []byte) (i int, resource azuresecret.Resource, err error) {
	secret, err := azuresecret.Parse(text)
	if err != nil {
		return 0, resource, err
	}
	var names []string
	for i, resource := range secret.Resources {
		if resource.Name == r.name {
			return i, resource, nil
		}
		names = append(names, resource.Name)
	}
	return 0, resource, fmt.Errorf("the Azure secret has no resource %q; it has %s: make rotate RESOURCE=%s", r.name, strings.Join(names, ", "), names[0])
}

// findAccount finds the account that has the resource's address.
func (r *rotation) findAccount(ctx context.Context, subscription string) error {
	accounts, err := r.maker.Azure.List(ctx, "/subscriptions/"+subscription+"/providers/Microsoft.CognitiveServices/accounts")
	if err != nil {
		return err
	}
	i := slices.IndexFunc(accounts, func(a map[string]any) bool {
		return sameHost(endpointOf(a), r.endpoint) || sameHost(rm.Text(a, "properties", "endpoint"), r.endpoint)
	})
	if i < 0 {
		return fmt.Errorf("no resource of this subscription has the address %s: choose another SUBSCRIPTION", r.endpoint)
	}
	r.path = rm.Text(accounts[i], "id")
	return nil
}

// regenerateIdle regenerates the idle key, and returns once it opens the resource.
func (r *rotation) regenerateIdle(ctx context.Context) error {
	keys, err := r.maker.Azure.Post(ctx, r.path+"/regenerateKey", map[string]any{"keyName": r.idle})
	if err != nil {
		return err
	}
	r.fresh = rm.Text(keys, strings.ToLower(r.idle))
	for range keyTries {
		open, err := opens(ctx, r.endpoint, r.fresh)
		if open || err != nil {
			return err
		}
		if err := r.maker.Azure.Pause(ctx, keyPause); err != nil {
			return err
		}
	}
	return errors.New("the resource does not take the new key after five minutes; nothing was changed in the secret")
}

const (
	keyTries = 30
	keyPause = 10 * time.Second
)

// opens reports whether a resource takes a key. Any other answer than a 401 is about something else, such as a network
// rule that lets the functions in and this machine not.
func opens(ctx context.Context, endpoint, key string) (bool, error) {
	call, cancel := context.WithTimeout(ctx, keyPause)
	defer cancel()
	req, err := http.NewRequestWithContext(call, http.MethodGet, endpoint+"/openai/v1/models", nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Api-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ctx.Err() == nil, ctx.Err() // out of this machine's reach
	}
	resp.Body.Close()
	return resp.StatusCode != http.StatusUnauthorized, nil
}

func (r *rotation) writeKey(ctx context.Context) error {
	return r.maker.Secret.Update(ctx, func(text []byte) ([]byte, error) {
		i, _, err := r.find(text)
		if err != nil {
			return nil, err
		}
		root, err := rawjson.ParseTree(text)
		if err != nil {
			return nil, err
		}
		key := rawjson.Edit{Key: "api_key", Value: mustMarshal(r.fresh)}
		list := root.Get("resources")
		if list.Absent() {
			return root.With(key).Bytes(), nil
		}
		var resources []json.RawMessage
		for resource := range list.Elements() {
			if len(resources) == i {
				resources = append(resources, resource.With(key).Bytes())
				continue
			}
			resources = append(resources, resource.Raw())
		}
		return root.With(rawjson.Edit{Key: "resources", Value: mustMarshalRaw(resources)}).Bytes(), nil
	})
}
