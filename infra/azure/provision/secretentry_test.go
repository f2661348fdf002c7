package provision

import "testing"

func TestMerge(t *testing.T) {
	e := entry{name: "my", endpoint: "https://my.example", keys: []string{"one", "two"}, deployments: []secretDeployment{{"d", "m", "GlobalStandard", 50, "2026-01-01"}}}
	const deployments = `[{"name":"d","model":"m","type":"GlobalStandard","capacity":50}]`
	const mine = `{"name":"my","endpoint":"https://my.example","deployments":` + deployments + `,"api_key":"one"}`
	const other = `{ "endpoint":"https://other", "api_key":"k", "note": 9007199254740993 }`
	tests := []struct{ name, secret, want string }{
		{"empty", `{"resources":[]}`, `{"resources":[` + mine + `]}`},
		{"null", `{"resources":null}`, `{"resources":[` + mine + `]}`},
		{"no list", `{}`, `{"resources":[` + mine + `]}`},
		{"beside another, with prices", `{"resources": [` + other + `], "prices":{} }`, `{"resources": [` + other + `,` + mine + `], "prices":{} }`},
		{"all said already", `{"resources":[ ` + mine + ` ] }`, `{"resources":[ ` + mine + ` ] }`},
		{"said in another order", `{"resources":[{"api_key":"one","name":"my","deployments":` + deployments + `,"endpoint":"https://my.example"}]}`,
			`{"resources":[{"api_key":"one","name":"my","deployments":` + deployments + `,"endpoint":"https://my.example"}]}`},
		{"the second key stays", `{"resources":[{"name":"my","endpoint":"https://my.example","api_key":"two","deployments":[]}]}`,
			`{"resources":[{"name":"my","endpoint":"https://my.example","api_key":"two","deployments":` + deployments + `}]}`},
		{"a key that is not valid any more", `{"resources":[{"name":"my","endpoint":"https://my.example","api_key":"old","deployments":` + deployments + `}]}`,
			`{"resources":[{"name":"my","endpoint":"https://my.example","api_key":"one","deployments":` + deployments + `}]}`},
		{"entra stays", `{"resources":[{"name":"my","endpoint":"https://my.example","entra":{"tenant_id":"t","client_id":"c"},"deployments":[]}]}`,
			`{"resources":[{"name":"my","endpoint":"https://my.example","entra":{"tenant_id":"t","client_id":"c"},"deployments":` + deployments + `}]}`},
		{"under another name", `{"resources":[{"name":"east","endpoint":"https://my.example/","api_key":"one","owner":"me"}]}`,
			`{"resources":[{"name":"east","endpoint":"https://my.example","api_key":"one","owner":"me","deployments":` + deployments + `}]}`},
		{"beside one at a region's address", `{"resources":[{"name":"r","endpoint":"https://eastus2.api.cognitive.microsoft.com","api_key":"k"}]}`,
			`{"resources":[{"name":"r","endpoint":"https://eastus2.api.cognitive.microsoft.com","api_key":"k"},` + mine + `]}`},
		{"what else is said of a deployment stays, and what Azure does not have goes",
			`{"resources":[{"name":"my","endpoint":"https://my.example","api_key":"one","deployments":[{"model":"gone"},{"name":"d","model":"m-2026-01-01","weight":3}]}]}`,
			`{"resources":[{"name":"my","endpoint":"https://my.example","api_key":"one","deployments":[{"name":"d","model":"m-2026-01-01","weight":3,"type":"GlobalStandard","capacity":50}]}]}`},
		{"a model whose name begins like it", `{"resources":[{"name":"my","endpoint":"https://my.example","api_key":"one","deployments":[{"name":"d","model":"m-mini"}]}]}`,
			`{"resources":[` + `{"name":"my","endpoint":"https://my.example","api_key":"one","deployments":` + deployments + `}]}`},
		{"a version that Azure has replaced", `{"resources":[{"name":"my","endpoint":"https://my.example","api_key":"one","deployments":[{"name":"d","model":"m-2025-01-01"}]}]}`,
			`{"resources":[{"name":"my","endpoint":"https://my.example","api_key":"one","deployments":` + deployments + `}]}`},
		{"the short form of another resource", `{"endpoint":"https://other","api_key":"k","prices":{}}`,
			`{"resources":[{"endpoint":"https://other","api_key":"k"},` + mine + `],"prices":{}}`},
		{"the short form of this one", `{"endpoint":"https://my.example/openai/v1","api_key":"two"}`,
			`{"resources":[{"endpoint":"https://my.example","api_key":"two","name":"my","deployments":` + deployments + `}]}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := e.mergeInto([]byte(test.secret))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("got\n%s, want\n%s", got, test.want)
			}
			again, err := e.mergeInto(got)
			if err != nil || string(again) != string(got) {
				t.Errorf("merged again it is\n%s, error %v", again, err)
			}
		})
	}
	for _, secret := range []string{``, `[]`, `"key"`, `{"resources":{}}`, `{"resources":[],"resources":[]}`, `{"resources":[{"name":"x"}]}`} {
		if got, err := e.mergeInto([]byte(secret)); err == nil {
			t.Errorf("%s became %s", secret, got)
		}
	}
}
