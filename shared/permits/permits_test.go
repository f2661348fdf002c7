package permits_test

import (
	"strings"
	"testing"

	"aoai-bridge/shared/azuresecret"
	"aoai-bridge/shared/permits"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
)

// lookup knows two resources, and a name that stands for another model on each.
func lookup(t *testing.T) permits.Lookup {
	t.Helper()
	table := routing.New(&azuresecret.Secret{Resources: []azuresecret.Resource{
		{Name: "a", Deployments: []azuresecret.Deployment{
			{Name: "chat", Model: "gpt-4o"}, {Name: "prod", Model: "gpt-4o"}, {Name: "embed", Model: "text-embedding-3-small"},
			{Name: "night", Model: "gpt-5", Type: "GlobalBatch"},
		}},
		{Name: "b", Deployments: []azuresecret.Deployment{{Name: "prod", Model: "gpt-5"}}},
	}})
	return func(name string) ([]routing.Target, error) {
		return append(table.Batch(name), table.Online(name)...), nil
	}
}

const search = `{"type":"azure_search","parameters":{"endpoint":"https://s","index_name":"i","authentication":{"type":"api_key","key":"k"}`

func TestCheck(t *testing.T) {
	const (
		model    = "403 model_not_allowed "
		thing    = "404 not_found "
		identity = "403 managed_identity_not_allowed "
	)
	tests := []struct{ name, body, want string }{
		{"nothing", `{"model":"gpt-5","messages":[{"role":"user","content":"gpt-5 file_id"}]}`, ""},
		{"no object", `["model"]`, ""},

		{"a tool's model", `{"tools":[{"type":"function"},{"type":"image_generation","model":"gpt-image-1"}]}`, model + "tools[1].model"},
		{"a model within it", `{"tools":[{"type":"image_generation","svg":{"model":"gpt-5"}}]}`, model + "tools[0].svg.model"},
		{"one that the key may use", `{"tools":[{"type":"image_generation","model":"gpt-4o"}]}`, ""},
		{"by its deployment", `{"tools":[{"type":"image_generation","model":"chat"}]}`, ""},
		{"a deployment's name that is another model's elsewhere", `{"tools":[{"type":"image_generation","model":"prod"}]}`, model + "tools[0].model"},
		{"a batch deployment", `{"tools":[{"type":"image_generation","model":"night"}]}`, model + "tools[0].model"},
		{"the second of two", `{"tools":[{"model":"gpt-4o","model":"gpt-5"}]}`, model + "tools[0].model"},
		{"in another case", `{"Tools":[{"MODEL":"gpt-5"}]}`, model + "Tools[0].MODEL"},
		{"with escapes", `{"tools":[{"mod\u0065l":"gpt-\u0035"}]}`, model + "tools[0].model"},
		{"moderation", `{"moderation":{"model":"omni-moderation-latest"}}`, model + "moderation.model"},
		{"a list", `{"fallback":{"models":["gpt-4o","gpt-5"]}}`, model + "fallback.models"},

		{"an embedding's deployment", `{"data_sources":[` + search + `,"embedding_dependency":{"type":"deployment_name","deployment_name":"prod"}}}]}`, model + "data_sources[0].parameters.embedding_dependency.deployment_name"},
		{"one that the key may use", `{"data_sources":[` + search + `,"embedding_dependency":{"type":"deployment_name","deployment_name":"embed"}}}]}`, ""},
		{"as it was before", `{"dataSources":[` + search + `,"embeddingDeploymentName":"ada"}}]}`, model + "dataSources[0].parameters.embeddingDeploymentName"},
		{"an embedding's model", `{"data_sources":[` + search + `,"embedding_dependency":{"type":"model_id","model_id":"m"}}}]}`, model + "data_sources[0].parameters.embedding_dependency.model_id"},

		{"a data source with a key", `{"data_sources":[` + search + `}}]}`, ""},
		{"with Azure's identity", `{"data_sources":[{"type":"azure_search","parameters":{"authentication":{"type":"system_assigned_managed_identity"}}}]}`, identity + "data_sources[0].parameters.authentication"},
		{"with one that is named", `{"data_sources":[{"parameters":{"authentication":{"type":"user_assigned_managed_identity","managed_identity_resource_id":"/subscriptions/x"}}}]}`, identity + "data_sources[0].parameters.authentication"},
		{"as it was before", `{"data_sources":[{"parameters":{"authentication":{"type":"SystemAssignedManagedIdentity"}}}]}`, identity + "data_sources[0].parameters.authentication"},
		{"a type that nobody knows", `{"data_sources":[{"parameters":{"authentication":{"type":"magic"}}}]}`, identity + "data_sources[0].parameters.authentication"},
		{"no type", `{"data_sources":[{"parameters":{"authentication":{}}}]}`, identity + "data_sources[0].parameters.authentication"},
		{"no authentication, for which Azure takes its own", `{"data_sources":[{"type":"azure_search","parameters":{"endpoint":"https://s"}}]}`, identity + "data_sources[0].parameters.authentication"},
		{"null for one", `{"data_sources":[{"parameters":{"authentication":null}}]}`, identity + "data_sources[0].parameters.authentication"},
		{"two of them", `{"data_sources":[{"parameters":{"authentication":{"type":"api_key"},"authentication":null}}]}`, identity + "data_sources[0].parameters.authentication"},
		{"a key with an id", `{"data_sources":[{"parameters":{"authentication":{"type":"key_and_key_id","key":"k","key_id":"i"}}}]}`, ""},
		{"an embedding's endpoint", `{"data_sources":[` + search + `,"embedding_dependency":{"type":"endpoint","endpoint":"https://e","authentication":{"type":"api_key","key":"k"}}}}]}`, ""},
		{"that with Azure's identity", `{"data_sources":[` + search + `,"embedding_dependency":{"type":"endpoint","endpoint":"https://e"}}}]}`, identity + "data_sources[0].parameters.embedding_dependency.authentication"},
		{"a tool with Azure's identity", `{"tools":[{"type":"openapi","openapi":{"auth":{"type":"managed_identity"}}}]}`, identity + "tools[0].openapi.auth.type"},

		{"a file in a chat", `{"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"file","file":{"file_id":"file-1"}}]}]}`, thing + "messages[0].content[1].file.file_id"},
		{"a file in a response's input", `{"input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]}`, thing + "input[0].content[0].file_id"},
		{"a file as such", `{"input":[{"role":"user","content":[{"type":"input_file","file_data":"data:","filename":"a"}]}]}`, ""},
		{"an image's mask", `{"tools":[{"type":"image_generation","input_image_mask":{"file_id":"file-1"}}]}`, thing + "tools[0].input_image_mask.file_id"},
		{"vector stores", `{"tools":[{"type":"file_search","vector_store_ids":["vs_1"]}]}`, thing + "tools[0].vector_store_ids"},
		{"none of them", `{"tools":[{"type":"file_search","vector_store_ids":[]}]}`, ""},
		{"a container", `{"tools":[{"type":"code_interpreter","container":"cntr_1"}]}`, thing + "tools[0].container"},
		{"a new container", `{"tools":[{"type":"code_interpreter","container":{"type":"auto"}}]}`, ""},
		{"with files", `{"tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["file-1"]}}]}`, thing + "tools[0].container.file_ids"},
		{"a shell's container", `{"tools":[{"type":"shell","environment":{"type":"container_reference","container_id":"cntr_1"}}]}`, thing + "tools[0].environment.container_id"},
		{"that of a call before", `{"input":[{"type":"code_interpreter_call","id":"ci_1","code":"1","container_id":"cntr_1"}]}`, thing + "input[0].container_id"},
		{"a conversation", `{"conversation":"conv_1"}`, thing + "conversation"},
		{"as an object", `{"conversation":{"id":"conv_1"}}`, thing + "conversation.id"},
		{"none", `{"conversation":null}`, ""},
		{"a prompt", `{"prompt":{"id":"pmpt_1","version":"2"}}`, thing + "prompt.id"},
		{"a text for a prompt", `{"prompt":"hello"}`, ""},
		{"a reference to an item", `{"input":[{"type":"message","role":"user","content":"x"},{"type":"item_reference","id":"msg_1"}]}`, thing + "input[1].id"},
		{"without its type", `{"input":[{"id":"msg_1"}]}`, thing + "input[0].id"},
		{"with null for one", `{"input":[{"id":"msg_1","type":null}]}`, thing + "input[0].id"},
		{"with two types", `{"input":[{"type":"message","id":"msg_1","role":"user","content":"x","Type":"item_reference"}]}`, thing + "input[0].id"},
		{"an item with its own id", `{"input":[{"id":"msg_1","role":"assistant","content":"x"},{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"x"}]}`, ""},
		{"an image that was made before", `{"input":[{"type":"image_generation_call","id":"ig_1"}]}`, thing + "input[0].id"},
		{"with the image", `{"input":[{"type":"image_generation_call","id":"ig_1","result":"aGk="}]}`, ""},
		{"an answer's voice", `{"messages":[{"role":"assistant","audio":{"id":"audio_1"}}]}`, thing + "messages[0].audio.id"},
		{"a tool's call and answer", `{"messages":[{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_1","content":"x"}]}`, ""},
		{"a connection", `{"tools":[{"type":"bing_grounding","bing_grounding":{"search_configurations":[{"project_connection_id":"/p"}]}}]}`, thing + "tools[0].bing_grounding.search_configurations[0].project_connection_id"},
		{"in camel case", `{"tools":[{"vectorStoreIds":["vs_1"]}]}`, thing + "tools[0].vectorStoreIds"},
		{"in another case", `{"tools":[{"VECTOR_STORE_IDS":["vs_1"]}]}`, thing + "tools[0].VECTOR_STORE_IDS"},
		{"the response before", `{"previous_response_id":"resp_1"}`, ""},

		{"what functions are called with", `{"tools":[{"type":"function","name":"f","parameters":{"properties":{"file_id":{"type":"string","default":"x"}},"default":{"file_id":"f","model":"m"}}}],"input":[{"type":"mcp_call","arguments":{"file_id":"x"}}]}`, ""},
		{"a schema", `{"response_format":{"type":"json_schema","json_schema":{"schema":{"default":{"model":"m","file_id":"f"}}}}}`, ""},
		{"metadata", `{"metadata":{"model":"gpt-5","file_id":"x"}}`, ""},
		{"headers of a server", `{"tools":[{"type":"mcp","server_url":"https://m","headers":{"client_id":"x"}}]}`, ""},
		{"the environment of a shell", `{"input":[{"type":"local_shell_call","id":"x","call_id":"c","action":{"env":{"client_id":"x"}}}]}`, ""},
		{"words that end alike", `{"tools":[{"valid":"x","grid":"y","paid":"z"}]}`, ""},
		{"tokens", `{"input":[[1,2,3],[4]]}`, ""},
	}
	bound := permits.Permits{Models: []string{"gpt-4o", "text-embedding-3-small"}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := parse(t, tt.body)
			refusal, err := bound.Check(body, lookup(t))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if refusal != nil {
				got = strings.Join([]string{map[int]string{403: "403", 404: "404"}[refusal.Status], refusal.Code, refusal.Param}, " ")
				if !strings.Contains(refusal.Message, "The owner of this endpoint can") && !strings.Contains(refusal.Message, "the owner of this endpoint can") {
					t.Errorf("no remedy: %s", refusal.Message)
				}
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if refusal, err := (permits.Permits{Models: []string{"*"}}).Check(body, nil); refusal != nil || err != nil {
				t.Errorf("a key that is not bound: %v, %v", refusal, err)
			}
			// What is stored and Azure's identity may be allowed; names are judged all the same.
			for allow, code := range map[string]string{permits.State: "not_found", permits.DataSources: "managed_identity_not_allowed"} {
				p := permits.Permits{Models: bound.Models, Allow: []string{allow}}
				refused := refusal != nil && refusal.Code != code
				if r, err := p.Check(body, lookup(t)); err != nil || (r != nil) != refused {
					t.Errorf("with %s: %v, %v", allow, r, err)
				}
			}
		})
	}
}

func parse(t *testing.T, body string) rawjson.Node {
	t.Helper()
	n, err := rawjson.ParseTree([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestHostileBodies is about what a walk costs: it has to end, whatever it is given.
func TestHostileBodies(t *testing.T) {
	const deep = 9_999
	long := strings.Repeat("x", 1<<20)
	tests := []struct{ name, body, want string }{
		{"deep arrays", strings.Repeat("[", deep) + strings.Repeat("]", deep), ""},
		{"deep objects", strings.Repeat(`{"tools":`, deep) + `{"file_id":"f"}` + strings.Repeat("}", deep), "tools.tools"},
		{"a long name around", `{"` + long + `":{"file_id":"f"}}`, "xxx"},
		{"a name again and again", `{"tools":[` + strings.Repeat(`{"model":"gpt-4o"},`, 100_000) + `{"model":"gpt-5"}]}`, "tools[100000].model"},
	}
	asked := 0
	known := lookup(t)
	counting := func(name string) ([]routing.Target, error) {
		asked++
		return known(name)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refusal, err := permits.Permits{Models: []string{"gpt-4o"}}.Check(parse(t, tt.body), counting)
			if err != nil || (refusal == nil) != (tt.want == "") {
				t.Fatalf("got %v, %v", refusal, err)
			}
			if refusal != nil && (!strings.HasPrefix(refusal.Param, tt.want) || len(refusal.Param) > 250) {
				t.Errorf("the parameter is %.300q", refusal.Param)
			}
		})
	}
	if asked != 2 {
		t.Errorf("the table was asked %d times for two names", asked)
	}
}

func TestZeroPermits(t *testing.T) {
	var none permits.Permits
	if none.Any() || none.May("") || none.May("gpt-4o") || none.Target(routing.Target{}) || none.Named("gpt-4o", nil) {
		t.Error("the zero Permits reach something")
	}
}
