package template

import (
	"iter"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// A pair is an entry of a mapping in the template.
type pair struct {
	key   string
	value ast.Node
}

// pairs lists the entries of a mapping, none for anything else.
func pairs(n ast.Node) []pair {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode: // a mapping with a single entry
		values = []*ast.MappingValueNode{n}
	}
	list := make([]pair, len(values))
	for i, v := range values {
		list[i] = pair{scalarText(v.Key), v.Value}
	}
	return list
}

// descend follows keys down from a mapping. It returns nil where there is nothing.
func descend(n ast.Node, keys ...string) ast.Node {
	for _, key := range keys {
		list := pairs(n)
		at := slices.IndexFunc(list, func(p pair) bool { return p.key == key })
		if at < 0 {
			return nil
		}
		n = list[at].value
	}
	return n
}

// scalarText returns a scalar as it is written, "" for anything else. CloudFormation compares and
// passes on scalars as text, so 256, true and "256", "true" are the same.
func scalarText(n ast.Node) string {
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return ""
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode: // | and >
		return n.Value.Value
	case ast.ScalarNode:
		return n.GetToken().Value
	}
	return ""
}

// items yields the elements of a sequence.
func items(n ast.Node) iter.Seq[ast.Node] {
	if sequence, ok := n.(*ast.SequenceNode); ok {
		return slices.Values(sequence.Values)
	}
	return slices.Values([]ast.Node(nil))
}
