package stepfunctions

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"maps"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strings"

	"aoai-bridge/infra/local/jsonvalue"

	"github.com/google/uuid"
)

// functions are the intrinsic functions,
// https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html.
var functions = map[string]func(args []any) (any, error){
	"States.Format":         format,
	"States.StringToJson":   unary(func(s string) (any, error) { return jsonvalue.Decode([]byte(s)) }),
	"States.JsonToString":   unary(func(v any) (any, error) { return encode(v), nil }),
	"States.Array":          func(args []any) (any, error) { return append([]any{}, args...), nil },
	"States.ArrayPartition": binary(arrayPartition),
	"States.ArrayContains":  binary(arrayContains),
	"States.ArrayRange":     arrayRange,
	"States.ArrayGetItem":   binary(arrayGetItem),
	"States.ArrayLength":    unary(func(list []any) (any, error) { return toNumber(len(list)), nil }),
	"States.ArrayUnique":    unary(arrayUnique),
	"States.Base64Encode":   unary(func(s string) (any, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil }),
	"States.Base64Decode":   unary(base64Decode),
	"States.Hash":           binary(hashOf),
	"States.JsonMerge":      jsonMerge,
	"States.MathRandom":     mathRandom,
	"States.MathAdd":        binary(mathAdd),
	"States.StringSplit":    binary(stringSplit),
	"States.UUID": func(args []any) (any, error) {
		if len(args) != 0 {
			return nil, errors.New("want no arguments")
		}
		return uuid.NewString(), nil
	},
}

func unary[A any](f func(A) (any, error)) func([]any) (any, error) {
	return func(args []any) (any, error) {
		if len(args) != 1 {
			return nil, errors.New("want one argument")
		}
		a, ok := args[0].(A)
		if !ok && reflect.TypeFor[A]().Kind() != reflect.Interface {
			return nil, fmt.Errorf("want %s, got %s", kinds[reflect.TypeFor[A]()], encode(args[0]))
		}
		return f(a)
	}
}

func binary[A, B any](f func(A, B) (any, error)) func([]any) (any, error) {
	return func(args []any) (any, error) {
		if len(args) != 2 {
			return nil, errors.New("want two arguments")
		}
		return unary(func(a A) (any, error) {
			return unary(func(b B) (any, error) { return f(a, b) })(args[1:])
		})(args[:1])
	}
}

var kinds = map[reflect.Type]string{
	reflect.TypeFor[string]():      "a string",
	reflect.TypeFor[[]any]():       "an array",
	reflect.TypeFor[json.Number](): "a number",
}

// format puts arguments where the template has {}. A brace stands for itself after a backslash.
func format(args []any) (any, error) {
	if len(args) == 0 {
		return nil, errors.New("want a template")
	}
	template, ok := args[0].(string)
	if !ok {
		return nil, errors.New("want a template")
	}
	args = args[1:]
	var b strings.Builder
	for i := 0; i < len(template); i++ {
		switch {
		case template[i] == '\\' && i+1 < len(template):
			i++
			b.WriteByte(template[i])
		case strings.HasPrefix(template[i:], "{}"):
			if len(args) == 0 {
				return nil, errors.New("fewer arguments than {}")
			}
			if text, ok := args[0].(string); ok {
				b.WriteString(text)
			} else {
				b.WriteString(encode(args[0]))
			}
			args = args[1:]
			i++
		default:
			b.WriteByte(template[i])
		}
	}
	if len(args) > 0 {
		return nil, errors.New("more arguments than {}")
	}
	return b.String(), nil
}

func arrayPartition(list []any, size json.Number) (any, error) {
	n, ok := toInt(size)
	if !ok || n < 1 {
		return nil, errors.New("want a positive integer")
	}
	parts := []any{}
	for len(list) > 0 {
		k := min(n, len(list))
		parts = append(parts, list[:k:k])
		list = list[k:]
	}
	return parts, nil
}

func arrayContains(list []any, wanted any) (any, error) {
	for _, element := range list {
		if reflect.DeepEqual(element, wanted) {
			return true, nil
		}
	}
	return false, nil
}

func arrayRange(args []any) (any, error) {
	if len(args) != 3 {
		return nil, errors.New("want three arguments")
	}
	var bounds [3]int
	for i, arg := range args {
		var ok bool
		if bounds[i], ok = toInt(arg); !ok {
			return nil, fmt.Errorf("want an integer, got %s", encode(arg))
		}
	}
	first, last, step := bounds[0], bounds[1], bounds[2]
	if step == 0 || (last-first)/step >= 1000 {
		return nil, errors.New("want a step other than 0, and at most 1000 elements")
	}
	list := []any{}
	for n := first; step > 0 && n <= last || step < 0 && n >= last; n += step {
		list = append(list, toNumber(n))
	}
	return list, nil
}

func arrayGetItem(list []any, index json.Number) (any, error) {
	n, ok := toInt(index)
	if !ok || n < 0 || n >= len(list) {
		return nil, fmt.Errorf("no element %s in an array of %d", index, len(list))
	}
	return list[n], nil
}

func arrayUnique(list []any) (any, error) {
	unique := []any{}
	for _, element := range list {
		if seen, _ := arrayContains(unique, element); seen == false {
			unique = append(unique, element)
		}
	}
	return unique, nil
}

func base64Decode(text string) (any, error) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	return string(decoded), err
}

var hashes = map[string]func() hash.Hash{
	"MD5": md5.New, "SHA-1": sha1.New, "SHA-256": sha256.New, "SHA-384": sha512.New384, "SHA-512": sha512.New,
}

func hashOf(data any, algorithm string) (any, error) {
	new := hashes[algorithm]
	if new == nil {
		return nil, fmt.Errorf("no algorithm %q", algorithm)
	}
	text, ok := data.(string)
	if !ok {
		text = encode(data)
	}
	h := new()
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil)), nil
}

func jsonMerge(args []any) (any, error) {
	if len(args) != 3 {
		return nil, errors.New("want three arguments")
	}
	left, leftOK := args[0].(map[string]any)
	right, rightOK := args[1].(map[string]any)
	if !leftOK || !rightOK || args[2] != false {
		return nil, errors.New("want two objects and false: only shallow merging exists")
	}
	merged := maps.Clone(left)
	maps.Copy(merged, right)
	return merged, nil
}

// mathAdd rounds its arguments to integers, as AWS says it does.
func mathAdd(a, b json.Number) (any, error) {
	return json.Number(new(big.Int).Add(rounded(a), rounded(b)).String()), nil
}

func rounded(n json.Number) *big.Int {
	exact, _ := new(big.Rat).SetString(n.String())
	exact.Add(exact, big.NewRat(1, 2))
	floor, _ := new(big.Int).DivMod(exact.Num(), exact.Denom(), new(big.Int))
	return floor
}

// mathRandom returns an integer from the first argument up to the second, which is not one of them.
// A third is a seed.
func mathRandom(args []any) (any, error) {
	if len(args) != 2 && len(args) != 3 {
		return nil, errors.New("want two or three arguments")
	}
	first, firstOK := toInt(args[0])
	end, endOK := toInt(args[1])
	if !firstOK || !endOK || end <= first {
		return nil, errors.New("want an integer and a greater one")
	}
	random := rand.IntN
	if len(args) == 3 {
		seed, ok := toInt(args[2])
		if !ok {
			return nil, errors.New("want an integer as the seed")
		}
		random = rand.New(rand.NewPCG(uint64(seed), 0)).IntN
	}
	return toNumber(first + random(end-first)), nil
}

// stringSplit splits at each character of delimiters, and leaves out what is empty.
func stringSplit(text, delimiters string) (any, error) {
	list := []any{}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(delimiters, r) }) {
		list = append(list, part)
	}
	return list, nil
}
