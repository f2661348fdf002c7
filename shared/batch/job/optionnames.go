package job

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"aoai-bridge/shared/openaierr"
)

// MetadataPrefix leads a job's options in the metadata of a batch, which are its owner's to name otherwise.
const MetadataPrefix = "bridge-"

// optionNames are the job's options as metadata name them. A hyphen and an underscore are one, and letter case does not
// matter.
var optionNames = []string{"mode", "cost-ceiling", "tries", "keep-azure-files", againName}

const againName = "again"

// otherNames are what options are called elsewhere.
var otherNames = map[string]string{
	"retries": "tries", "retry": "tries", "max-retries": "tries", "max-tries": "tries", "max-cost": "cost-ceiling", "cost-limit": "cost-ceiling",
}

// ownNames resemble an option, and are what people call something of their own.
var ownNames = []string{"model", "models"}

// optionsAmong returns the members of metadata that are options, by the options' names. A name that is no option and
// resembles one is an error, since a ceiling that is misspelt would not hold. Other names are the caller's own, except
// after the prefix.
func optionsAmong(metadata map[string]string, prefix string) (map[string]string, error) {
	own := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		plain := plainName(name)
		option, prefixed := strings.CutPrefix(plain, prefix)
		switch {
		case prefixed && slices.Contains(optionNames, option):
			if _, twice := own[option]; twice {
				return nil, openaierr.Invalid("metadata", "duplicate_parameter", "'metadata' has the option %q twice. Give it once.", prefix+option)
			}
			own[option] = metadata[name]
			continue
		case prefix == "":
			option = strings.TrimPrefix(plain, MetadataPrefix) // the name that batches of the API have
		}
		if meant := meantBy(plain, option, prefix); meant != "" {
			return nil, openaierr.Invalid("metadata", "invalid_value", "'metadata' has no option %.64q. Write it as %q.", name, prefix+meant)
		}
		if prefix != "" && prefixed {
			return nil, openaierr.Invalid("metadata", "invalid_value", "'metadata' has no option %.64q; after %q come %s.", name, prefix, strings.Join(optionNames, ", "))
		}
	}
	return own, nil
}

// meantBy returns the option that a name resembles, "" if none. plain is the whole name, and option what comes after the
// prefix. Without the prefix, names of one word are the caller's own.
func meantBy(plain, option, prefix string) string {
	for _, known := range optionNames {
		switch {
		case prefix != "" && near(letters(plain), letters(prefix+known)):
			return known
		case prefix != "" && option == plain && !strings.Contains(known, "-"):
		case option == known, resembles(option, known):
			return known
		}
	}
	return ""
}

// plainName is a name in the spelling of optionNames.
func plainName(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }

func letters(name string) string { return strings.ReplaceAll(name, "-", "") }

// resembles reports whether a name is likely to be meant for an option: it has a few letters more, less or in another
// order, or it has all words of the option, or most of them and no other.
func resembles(name, option string) bool {
	if slices.Contains(ownNames, name) {
		return false
	}
	if otherNames[name] == option || near(letters(name), letters(option)) || singular(name) == singular(option) {
		return true
	}
	words := strings.Split(option, "-")
	if len(words) == 1 {
		return false
	}
	had, others := 0, false
	for word := range strings.SplitSeq(name, "-") {
		if i := slices.IndexFunc(words, func(w string) bool { return singular(w) == singular(word) || near(word, w) }); i >= 0 {
			had += len(words[i])
		} else {
			others = true
		}
	}
	all := len(letters(option))
	return had == all || !others && 2*had > all
}

// singular is a name whose last word is not a plural: tries and try are one.
func singular(name string) string {
	if stem, ok := strings.CutSuffix(name, "ies"); ok {
		return stem + "y"
	}
	return strings.TrimSuffix(name, "s")
}

// near reports whether two names differ by what slips at typing: a letter in four, and in a name of four letters or
// less none that is replaced by another, since "code" is not "mode".
func near(a, b string) bool {
	allowed := max(1, len(b)/4)
	if len(a) < 3 || len(a) > len(b)+allowed || len(b) > len(a)+allowed {
		return false
	}
	if len(b) <= 4 && len(a) == len(b) && !sameLetters(a, b) {
		return false
	}
	return slips(a, b) <= allowed
}

func sameLetters(a, b string) bool {
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// slips is the distance of Damerau and Levenshtein: how many letters are added, left out, replaced, or swapped with the
// next one.
func slips(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// optionsWithPlainNames returns the member "options" of an input with the options' names as Options has them. A name
// that is no option is an error.
func optionsWithPlainNames(raw []byte) (json.RawMessage, error) {
	var in struct {
		Options map[string]json.RawMessage `json:"options"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, errors.New("'options' must be an object")
	}
	plain := map[string]json.RawMessage{}
	for _, name := range slices.Sorted(maps.Keys(in.Options)) {
		option := plainName(name)
		if !slices.Contains(optionNames, option) {
			remedy := "there are " + member(strings.Join(optionNames, ", "))
			if meant := meantBy(option, option, ""); meant != "" {
				remedy = fmt.Sprintf("write it as '%s'", member(meant))
			}
			return nil, fmt.Errorf("'options' has no %.40q; %s", name, remedy)
		}
		if _, twice := plain[member(option)]; twice {
			return nil, fmt.Errorf("'options' has '%s' twice", member(option))
		}
		plain[member(option)] = in.Options[name]
	}
	return json.Marshal(plain)
}

// member is an option's name as JSON has it.
func member(option string) string { return strings.ReplaceAll(option, "-", "_") }
