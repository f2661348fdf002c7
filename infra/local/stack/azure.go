package stack

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"aoai-bridge/infra/local/arm"
	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/infra/local/entra"
	"aoai-bridge/infra/local/sts"
)

// Credential is how the functions sign in to Azure OpenAI.
type Credential string

// The credentials that an Azure secret can name.
const (
	APIKey       Credential = "key"
	ClientSecret Credential = "client-secret" // Entra, with a secret
	Federation   Credential = "federation"    // Entra, with a token of STS
)

// Azure is the Azure side of a stack: an emulator, or the resource at Endpoint.
type Azure struct {
	Endpoint, APIKey string              // of a resource that is already there
	Emulator         azureopenai.Options // otherwise; its keys and verifier are filled in
	Credential       Credential          // of the emulator; APIKey when empty

	armAddr string
}

const (
	tenantID       = "11111111-1111-4111-8111-111111111111"
	clientID       = "22222222-2222-4222-8222-222222222222"
	subscriptionID = "33333333-3333-4333-8333-333333333333"
	operatorID     = "44444444-4444-4444-8444-444444444444" // the application that tools sign in to Resource Manager as
)

type secretResource struct {
	Name        string             `json:"name"`
	Endpoint    string             `json:"endpoint"`
	APIKey      string             `json:"api_key,omitempty"`
	Entra       map[string]string  `json:"entra,omitempty"`
	Deployments []secretDeployment `json:"deployments"`
}

type secretDeployment struct {
	Name     string `json:"name"`
	Model    string `json:"model"`
	Type     string `json:"type"`
	Capacity int    `json:"capacity"`
}

// startAzure returns the Azure secret, and the file with the certificates to trust, "" for the
// machine's own.
func (s *Stack) startAzure(a Azure) (secret, trust string, err error) {
	if a.Endpoint != "" || a.APIKey != "" {
		if a.Endpoint == "" || a.APIKey == "" {
			return "", "", errors.New("AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_API_KEY go together: set both, or neither for the emulator")
		}
		if err := checkEndpoint(a.Endpoint); err != nil {
			return "", "", err
		}
		s.AzureURL = a.Endpoint
		return encode(map[string]string{"endpoint": a.Endpoint, "api_key": a.APIKey}), "", nil
	}
	resource := secretResource{Name: "emulator"}
	if a.Emulator.Deployments == nil {
		a.Emulator.Deployments = azureopenai.DefaultDeployments()
	}
	for _, d := range a.Emulator.Deployments {
		resource.Deployments = append(resource.Deployments, secretDeployment{d.Name, d.Model, d.Type, d.Capacity})
	}
	var bundle []byte
	if resource.Entra, bundle, err = s.startEntra(a.Credential); err != nil {
		return "", "", err
	}
	a.Emulator.VerifyBearer = s.Entra.Verify
	if resource.Entra == nil {
		resource.APIKey = rand.Text()
		a.Emulator.APIKeys = append(a.Emulator.APIKeys, resource.APIKey)
	}
	listener, err := listen("")
	if err != nil {
		return "", "", err
	}
	s.Emulator = azureopenai.New(a.Emulator)
	s.onClose(s.Emulator.Close)
	s.serve(listener, s.Emulator)
	s.AzureURL = "http://" + listener.Addr().String()
	resource.Endpoint = s.AzureURL
	if bundle, err = s.startResourceManager(a, resource, bundle); err != nil {
		return "", "", err
	}
	trust, err = s.writeTrust(bundle)
	return encode(map[string]any{"resources": []secretResource{resource}}), trust, err
}

// checkEndpoint refuses what can be no resource's URL before anything starts. The error does not repeat
// it: there may be a password in it.
func checkEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	var fault string
	switch {
	case err != nil || u.Host == "":
		fault = "is not a URL"
	case u.User != nil:
		fault = "has credentials in it"
	case u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback()):
		fault = "is neither https nor on this machine"
	default:
		return nil
	}
	return fmt.Errorf("AZURE_OPENAI_ENDPOINT %s, want for example https://my-resource.openai.azure.com", fault)
}

// startEntra starts the tenant. It returns how the secret has the functions sign in there, nil where they have an API key,
// and the tenant's certificate.
func (s *Stack) startEntra(credential Credential) (secret map[string]string, certificate []byte, err error) {
	o := entra.Options{TenantID: tenantID, ClientID: clientID}
	switch credential {
	case "", APIKey:
	case ClientSecret:
		o.ClientSecret = rand.Text()
		secret = map[string]string{"tenant_id": tenantID, "client_id": clientID, "client_secret": o.ClientSecret}
	case Federation:
		secret = map[string]string{"tenant_id": tenantID, "client_id": clientID}
	default:
		return nil, nil, fmt.Errorf("no such credential: %q; there are %s, %s and %s", credential, APIKey, ClientSecret, Federation)
	}
	if s.Entra, err = entra.New(o); err != nil {
		return nil, nil, err
	}
	if credential == Federation {
		var trusted []arm.Token
		for id := range s.Template.Functions {
			trusted = append(trusted, arm.Token{Issuer: s.STS.Issuer(), Subject: sts.RoleARN(roleName(id)), Audience: "api://AzureADTokenExchange"})
		}
		directory{s}.Trust(clientID, trusted)
	}
	listener, err := listen("")
	if err != nil {
		return nil, nil, err
	}
	s.serveTLS(listener, s.Entra, s.Entra.TLSConfig())
	s.authority = "https://" + listener.Addr().String()
	if secret != nil {
		secret["authority_host"] = s.authority
	}
	return secret, s.Entra.CertificatePEM(), nil
}

// writeTrust writes the certificates to trust into a file.
func (s *Stack) writeTrust(certificates []byte) (file string, err error) {
	dir, err := s.tempDir()
	if err != nil {
		return "", err
	}
	s.trust = filepath.Join(dir, "trust.pem")
	return s.trust, os.WriteFile(s.trust, certificates, 0o600)
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps and structs of strings and numbers always marshal
	}
	return string(b)
}
