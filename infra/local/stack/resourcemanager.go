package stack

import (
	"crypto"
	"crypto/rand"
	"errors"
	"io"
	"log"
	"maps"
	"net/http"
	"slices"
	"sync"

	"aoai-bridge/infra/local/arm"
	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/entra"
)

// startResourceManager starts Azure Resource Manager, in which the emulator is an account that is there already. It returns
// the certificates to trust with its own.
func (s *Stack) startResourceManager(a Azure, resource secretResource, certificates []byte) ([]byte, error) {
	plane := &dataPlane{stack: s, options: a.Emulator, servers: map[string]*accountServer{resource.Name: {s.Emulator, s.AzureURL, nil}}}
	s.onClose(plane.close)
	var err error
	s.ARM, err = arm.New(arm.Options{TenantID: tenantID, SubscriptionID: subscriptionID, Verify: s.Entra.VerifyManagement, DataPlane: plane, Directory: directory{s}})
	if err != nil {
		return nil, err
	}
	there := arm.Account{Name: resource.Name}
	if resource.APIKey != "" {
		there.Keys = []string{resource.APIKey}
	}
	for _, d := range a.Emulator.Deployments {
		there.Deployments = append(there.Deployments, arm.Deployment(d))
	}
	there = s.ARM.Seed("local", "eastus2", "OpenAI", s.AzureURL, there)
	s.Emulator.SetAPIKeys(slices.Concat(a.Emulator.APIKeys, there.Keys)...)

	listener, err := listen(a.armAddr)
	if err != nil {
		return nil, err
	}
	s.serveTLS(listener, s.ARM, s.ARM.TLSConfig())
	s.armURL = "https://" + listener.Addr().String()
	s.operator = rand.Text()
	s.Entra.SetApplication(entra.Application{ClientID: operatorID, ClientSecret: s.operator})
	return append(certificates, s.ARM.CertificatePEM()...), nil
}

// Environment tells tools where the stack is and how to sign in, by the variables that the AWS and Azure SDKs read, and by
// two of infra/azure's own: AZURE_RESOURCE_MANAGER_ENDPOINT, and AZURE_CA_FILE with the certificates to trust.
func (s *Stack) Environment() map[string]string {
	env := map[string]string{
		"AWS_ENDPOINT_URL": s.AWSURL, "AWS_REGION": "us-east-1", "AWS_PROFILE": "",
		"AWS_ACCESS_KEY_ID": AccessKey, "AWS_SECRET_ACCESS_KEY": AccessKey, "AWS_SESSION_TOKEN": "",
		"AZURE_SECRET_ID": s.Template.Parameters["AzureSecretId"], "CALLERS_SECRET_ID": s.CallersSecretID(),
	}
	if s.ARM != nil {
		maps.Copy(env, map[string]string{
			"AZURE_RESOURCE_MANAGER_ENDPOINT": s.armURL, "AZURE_AUTHORITY_HOST": s.authority, "AZURE_CA_FILE": s.trust,
			"AZURE_TENANT_ID": tenantID, "AZURE_CLIENT_ID": operatorID, "AZURE_CLIENT_SECRET": s.operator,
			"AZURE_SUBSCRIPTION_ID": subscriptionID,
		})
	}
	return env
}

// directory has Entra trust what Resource Manager is told that identities trust.
type directory struct{ stack *Stack }

// Trust replaces what an identity trusts. The only issuer whose keys are known here is the stack's AWS account.
func (d directory) Trust(clientID string, tokens []arm.Token) {
	a := entra.Application{ClientID: clientID}
	for _, t := range tokens {
		f := entra.Federation{Issuer: t.Issuer, Subject: t.Subject, Audience: t.Audience, PublicKey: func(string) crypto.PublicKey { return nil }}
		if t.Issuer == d.stack.STS.Issuer() {
			f.PublicKey = d.stack.STS.PublicKey
		}
		a.Federations = append(a.Federations, f)
	}
	d.stack.Entra.SetApplication(a)
}

// dataPlane has an emulator for each account.
type dataPlane struct {
	stack   *Stack
	options azureopenai.Options // what the emulators have in common

	mu      sync.Mutex
	servers map[string]*accountServer // by account
}

type accountServer struct {
	emulator *azureopenai.Server
	url      string
	close    func() error // nil for the stack's own emulator, which goes on when its account is deleted
}

// Serve starts an account's emulator, or changes it.
func (p *dataPlane) Serve(a arm.Account) (endpoint string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	server := p.servers[a.Name]
	if server == nil {
		if server, err = p.start(a); err != nil {
			return "", err
		}
		p.servers[a.Name] = server
	}
	deployments := make([]azureopenai.Deployment, len(a.Deployments))
	for i, d := range a.Deployments {
		deployments[i] = azureopenai.Deployment(d)
	}
	server.emulator.SetDeployments(deployments)
	server.emulator.SetAPIKeys(a.Keys...)
	return server.url, nil
}

func (p *dataPlane) start(a arm.Account) (*accountServer, error) {
	o := p.options
	o.Region, o.APIKeys, o.Deployments = a.Region, nil, []azureopenai.Deployment{}
	o.VerifyBearer = func(token string) error {
		id, err := p.stack.Entra.VerifyClient(token)
		if err == nil && !p.stack.ARM.MayUse(a.Name, id) {
			err = errors.New("the identity has no role here")
		}
		return err
	}
	listener, err := listen("")
	if err != nil {
		return nil, err
	}
	emulator := azureopenai.New(o)
	server := &http.Server{Handler: emulator, ErrorLog: log.New(io.Discard, "", 0)}
	p.stack.serving.Go(func() { _ = server.Serve(listener) }) // always ErrServerClosed
	return &accountServer{emulator, "http://" + listener.Addr().String(), func() error {
		return errors.Join(server.Close(), emulator.Close())
	}}, nil
}

// Remove ends an account's emulator.
func (p *dataPlane) Remove(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if server := p.servers[name]; server != nil && server.close != nil {
		_ = server.close() // nobody is to be told, and nothing is lost
		delete(p.servers, name)
	}
}

func (p *dataPlane) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, server := range p.servers {
		if server.close != nil {
			errs = append(errs, server.close())
		}
	}
	return errors.Join(errs...)
}
