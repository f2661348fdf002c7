package azureopenai

import "strings"

// categories of the content filter, in the order answers have them.
var categories = []string{"hate", "jailbreak", "self-harm", "sexual", "violence"}

// filteredCategory returns the category whose trigger word stands in the messages, or "".
func filteredCategory(messages []message, prefix string) string {
	for i := range messages {
		text := messages[i].text
		if !strings.Contains(text, prefix) {
			continue
		}
		for _, c := range categories {
			if strings.Contains(text, prefix+c) {
				return c
			}
		}
	}
	return ""
}

const (
	safePrompt     = `{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"detected":false,"filtered":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}`
	safeCompletion = `{"hate":{"filtered":false,"severity":"safe"},"protected_material_code":{"detected":false,"filtered":false},"protected_material_text":{"detected":false,"filtered":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}`
	promptResults  = `[{"prompt_index":0,"content_filter_results":` + safePrompt + `}]`
)

// filterResults marks one category of a set of safe results; "" marks none.
func filterResults(safe, category string) string {
	name := strings.ReplaceAll(category, "-", "_")
	switch category {
	case "":
		return safe
	case "jailbreak":
		return strings.Replace(safe, `"jailbreak":{"detected":false,"filtered":false}`, `"jailbreak":{"detected":true,"filtered":true}`, 1)
	}
	return strings.Replace(safe, `"`+name+`":{"filtered":false,"severity":"safe"}`, `"`+name+`":{"filtered":true,"severity":"high"}`, 1)
}

// promptFiltered is the refusal of a prompt.
func promptFiltered(category string) *apiError {
	results := strings.NewReplacer( // here Azure writes jailbreak the other way round
		`"jailbreak":{"detected":false,"filtered":false}`, `"jailbreak":{"filtered":false,"detected":false}`,
		`"jailbreak":{"detected":true,"filtered":true}`, `"jailbreak":{"filtered":true,"detected":true}`,
	).Replace(filterResults(safePrompt, category))
	e := literal(400, `{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":`+results+`}}}`)
	e.model = true
	return e
}
