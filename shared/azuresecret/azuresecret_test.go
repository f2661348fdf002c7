package azuresecret_test

import (
	"strings"
	"testing"

	"aoai-bridge/shared/azuresecret"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, secret string
		endpoint     string
		resource     string
		deployments  string // name=model, space separated
	}{
		{"the least there can be", `{"endpoint":"https://r.openai.azure.com","api_key":"k"}`, "https://r.openai.azure.com", "resource-1", ""},
		{"trailing slash", `{"endpoint":"https://r.openai.azure.com/","api_key":"k"}`, "https://r.openai.azure.com", "resource-1", ""},
		{"with /openai", `{"endpoint":"https://r.openai.azure.com/openai/","api_key":"k"}`, "https://r.openai.azure.com", "resource-1", ""},
		{"with /openai/v1", `{"endpoint":"https://r.openai.azure.com/openai/v1/","api_key":"k"}`, "https://r.openai.azure.com", "resource-1", ""},
		{"behind a gateway's path", `{"endpoint":"https://gw.example/team/openai/v1","api_key":"k"}`, "https://gw.example/team", "resource-1", ""},
		{"an operation of v1", `{"endpoint":"https://r.openai.azure.com/openai/v1/chat/completions","api_key":"k"}`, "https://r.openai.azure.com", "resource-1", ""},
		// What the portal shows for a deployment names the resource as plainly as its address does.
		{"a target URI of the portal", `{"endpoint":"https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21","api_key":"k"}`, "https://r.openai.azure.com", "resource-1", ""},
		{"and of responses", `{"endpoint":"https://r.cognitiveservices.azure.com/openai/responses?api-version=2025-04-01-preview","api_key":"k"}`, "https://r.cognitiveservices.azure.com", "resource-1", ""},
		{"in another case", `{"endpoint":"https://r.openai.azure.com/OpenAI/v1/responses","api_key":"k"}`, "https://r.openai.azure.com", "resource-1", ""},
		{"and of models", `{"endpoint":"https://r.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview","api_key":"k"}`, "https://r.services.ai.azure.com", "resource-1", ""},
		{"a project", `{"endpoint":"https://r.services.ai.azure.com/api/projects/p/openai/v1/responses","api_key":"k"}`, "https://r.services.ai.azure.com/api/projects/p", "resource-1", ""},
		{"an operation behind a gateway called openai", `{"endpoint":"https://gw.example/openai/openai/v1/chat/completions","api_key":"k"}`, "https://gw.example/openai", "resource-1", ""},
		{"names that Azure takes", `{"endpoint":"https://r","api_key":"k","deployments":[{"name":"gpt-4.1_EU..2","model":"m"},{"model":"ft:gpt-4o:org::1"}]}`, "https://r", "resource-1", "gpt-4.1_EU..2=m ft:gpt-4o:org::1=ft:gpt-4o:org::1"},
		{"white space around", `{"endpoint":" https://r.openai.azure.com\n","api_key":"k"}`, "https://r.openai.azure.com", "resource-1", ""},
		{"plain http on loopback", `{"endpoint":"http://127.0.0.1:8090","api_key":"k"}`, "http://127.0.0.1:8090", "resource-1", ""},
		{"and by name", `{"endpoint":"http://localhost:8090","api_key":"k"}`, "http://localhost:8090", "resource-1", ""},
		{"unknown members are for others to read", `{"endpoint":"https://r","api_key":"k","prices":{},"models":{"a":1}}`, "https://r", "resource-1", ""},
		{"deployments of a single resource", `{"endpoint":"https://r","api_key":"k","name":"mine","deployments":[{"model":"gpt-4o"},{"name":"n","model":"m"}]}`,
			"https://r", "mine", "gpt-4o=gpt-4o n=m"},
		{"a list of resources", `{"resources":[{"name":"east","endpoint":"https://e","api_key":"k","deployments":[{"name":"d","model":"m","type":"GlobalStandard","capacity":10}]},{"endpoint":"https://w","entra":{"tenant_id":"t","client_id":"c"}}]}`,
			"https://e", "east", "d=m"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			azure, err := azuresecret.Parse([]byte(tt.secret))
			if err != nil {
				t.Fatal(err)
			}
			r := azure.Resources[0]
			var deployments []string
			for _, d := range r.Deployments {
				deployments = append(deployments, d.Name+"="+d.Model)
			}
			if r.Endpoint != tt.endpoint || r.Name != tt.resource || strings.Join(deployments, " ") != tt.deployments {
				t.Errorf("got %s %s %v, want %s %s %s", r.Name, r.Endpoint, deployments, tt.resource, tt.endpoint, tt.deployments)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const private = "s3cr3t-value" // stands where a key or a secret does, and must not be in an error
	tests := []struct {
		name, secret string
		want         []string
	}{
		{"nothing", ``, []string{"syntax error at byte 0", `"endpoint":"https://my-resource.openai.azure.com"`}},
		{"a bare key", private, []string{"syntax error at byte 1", `"api_key":"..."`}},
		{"a key as a JSON string", `"` + private + `"`, []string{"the whole is a JSON string, want an object"}},
		{"a key that is no string", `{"endpoint":"https://r","api_key":["` + private + `"]}`, []string{"(api_key is a JSON array, want a string)"}},
		{"a client secret that is no string", `{"entra":{"client_secret":7777}}`, []string{"(entra.client_secret is a JSON number, want a string)"}},
		{"resources that are no array", `{"resources":{"api_key":"` + private + `"}}`, []string{"(resources is a JSON object, want an array)"}},
		{"a capacity that is no number", `{"resources":[{"deployments":[{"capacity":"` + private + `"}]}]}`, []string{"resources.deployments.capacity is a JSON string, want a number"}},
		{"an empty object", `{}`, []string{"names no endpoint", "want for example"}},
		{"an empty list", `{"resources":[]}`, []string{"names no endpoint", "want for example"}},
		{"both forms", `{"endpoint":"https://r","api_key":"` + private + `","resources":[{"endpoint":"https://r","api_key":"` + private + `"}]}`,
			[]string{"both", "move the endpoint into resources"}},
		{"no endpoint", `{"api_key":"` + private + `"}`, []string{": endpoint is missing", `"https://my-resource.openai.azure.com"`}},
		{"an endpoint without a scheme", `{"endpoint":"r.openai.azure.com","api_key":"` + private + `"}`, []string{"endpoint is not a URL"}},
		{"an endpoint that is not https", `{"endpoint":"http://r.openai.azure.com","api_key":"` + private + `"}`, []string{"endpoint is not https"}},
		{"an endpoint with a password", `{"endpoint":"https://u:` + private + `@r","api_key":"k"}`, []string{"endpoint has credentials in it"}},
		{"an operation without /openai", `{"endpoint":"https://gw.example/team/chat/completions","api_key":"` + private + `"}`, []string{"endpoint ends in an operation", `"https://my-resource.openai.azure.com"`}},
		{"one of OpenAI's paths", `{"endpoint":"https://gw.example/v1/responses","api_key":"` + private + `"}`, []string{"endpoint ends in an operation"}},
		{"a query", `{"endpoint":"https://r/?api-version=2024-10-21","api_key":"` + private + `"}`, []string{"endpoint has a query"}},
		{"a key in the query", `{"endpoint":"https://r/openai/responses?api-version=2024-10-21&subscription-key=` + private + `","api_key":"k"}`, []string{"endpoint has a query"}},
		{"a deployment of dots", `{"endpoint":"https://r","api_key":"` + private + `","deployments":[{"model":"m"},{"name":"..","model":"m"}]}`,
			[]string{`deployments[1].name ".." cannot stand in a URL's path`, `"gpt-4o"`}},
		{"one dot", `{"resources":[{"endpoint":"https://r","api_key":"` + private + `","deployments":[{"name":".","model":"m"}]}]}`, []string{`resources[0].deployments[0].name "."`}},
		{"a model of dots for a name", `{"endpoint":"https://r","api_key":"` + private + `","deployments":[{"model":".."}]}`, []string{`deployments[0].model ".."`}},
		{"a slash", `{"endpoint":"https://r","api_key":"` + private + `","deployments":[{"name":"a/b","model":"m"}]}`, []string{`deployments[0].name "a/b"`}},
		{"a backslash", `{"endpoint":"https://r","api_key":"` + private + `","deployments":[{"name":"a\\b","model":"m"}]}`, []string{`deployments[0].name "a\\b"`}},
		{"an escape", `{"endpoint":"https://r","api_key":"` + private + `","deployments":[{"name":"%2e%2e","model":"m"}]}`, []string{`deployments[0].name "%2e%2e"`}},
		{"a control character", `{"endpoint":"https://r","api_key":"` + private + `","deployments":[{"name":"a\n","model":"m"}]}`, []string{`deployments[0].name "a\n"`}},
		{"no credential", `{"endpoint":"https://r"}`, []string{": api_key is missing", `"entra":{"tenant_id":"...","client_id":"..."}`}},
		{"a key with a line end", `{"endpoint":"https://r","api_key":"` + private + `\n"}`, []string{"api_key has white space", "copy it again"}},
		{"two credentials", `{"endpoint":"https://r","api_key":"` + private + `","entra":{"tenant_id":"t","client_id":"c","client_secret":"` + private + `"}}`,
			[]string{"api_key and entra are both given"}},
		{"half an application", `{"endpoint":"https://r","entra":{"client_secret":"` + private + `"}}`,
			[]string{"entra.tenant_id is missing", "entra.client_id is missing", "00000000-0000-0000-0000-000000000000"}},
		{"an authority that is not https", `{"endpoint":"https://r","entra":{"tenant_id":"t","client_id":"c","authority_host":"http://login"}}`,
			[]string{"entra.authority_host must be an https URL"}},
		{"a deployment without a model", `{"endpoint":"https://r","api_key":"` + private + `","deployments":[{"model":"m"},{"name":"d"}]}`,
			[]string{"deployments[1].model is missing", `"gpt-4o"`}},
		{"a type that Azure does not sell", `{"resources":[{"endpoint":"https://r","api_key":"` + private + `"},{"endpoint":"https://r","api_key":"` + private + `","deployments":[{"model":"m"},{"model":"m","type":"globalstandard"}]}]}`,
			[]string{`resources[1].deployments[1].type "globalstandard" is not a deployment type`, "GlobalStandard"}},
		{"a tenant with a slash", `{"endpoint":"https://r","entra":{"tenant_id":"https://login/t","client_id":"c"}}`,
			[]string{"entra.tenant_id is neither an id nor a domain", "00000000-0000-0000-0000-000000000000"}},
		{"every field at fault is named", `{"resources":[{"api_key":"` + private + `"},{"endpoint":"https://r"}]}`,
			[]string{"resources[0].endpoint is missing", "resources[1].api_key is missing"}},
		{"a name used twice", `{"resources":[{"name":"a","endpoint":"https://r","api_key":"` + private + `"},{"name":"a","endpoint":"https://r","api_key":"` + private + `"}]}`,
			[]string{`resources[1].name: "a" is used twice`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := azuresecret.Parse([]byte(tt.secret))
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, want := range append(tt.want, "Azure secret") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			for _, hidden := range []string{private, "7777"} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("%q shows a value of the secret", err)
				}
			}
		})
	}
}

// A mistake in prices or models is found when the secret is read, and keeps nothing from being called.
func TestCheckPrices(t *testing.T) {
	const before = `{"endpoint":"https://r","api_key":"k"`
	tests := []struct{ name, members, want string }{
		{"none", ``, ""},
		{"nulls", `,"prices":null,"models":null`, ""},
		{"good ones", `,"prices":{"gpt-4o":{"Standard":{"input":2.75,"output":11}}},"models":{"mine":{"like":"gpt-4o"}}`, ""},
		{"a type that Azure does not sell", `,"prices":{"gpt-4o":{"standard":{"input":1}}}`, "prices.gpt-4o.standard: not a deployment type"},
		{"a model like nothing", `,"models":{"mine":{}}`, `models.mine: give like or encoding, for example {"like": "gpt-4o"}`},
		{"a member that is none", `,"prices":{"gpt-4o":{"Standard":{"inptu":1}}}`, "inptu"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := azuresecret.Parse([]byte(before + test.members + "}"))
			if err != nil {
				t.Fatal(err)
			}
			err = s.CheckPrices()
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if _, err := s.Catalog().Lookup("gpt-4o"); err != nil {
				t.Errorf("the catalog says %v", err)
			}
		})
	}
}
