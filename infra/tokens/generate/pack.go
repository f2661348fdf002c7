package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// pack lays a vocabulary out as shared/tokens/vocab.go reads it: three numbers of four bytes, the bytes that
// the first 256 tokens are, the trie, the splits, the pairs and their filter, all little-endian.
func pack(tokens [][]byte) ([]byte, error) {
	splits, err := splitAll(tokens)
	if err != nil {
		return nil, err
	}
	trie := newTrie(tokens)
	pairs := newPairs(splits)
	var out bytes.Buffer
	for _, n := range []int{len(tokens), len(trie), len(pairs.slots)} {
		binary.Write(&out, binary.LittleEndian, uint32(n))
	}
	for id := range 256 {
		out.WriteByte(tokens[id][0])
	}
	binary.Write(&out, binary.LittleEndian, trie)
	for _, s := range splits {
		both := uint64(s.left) | uint64(s.right)<<idBits
		out.Write(binary.LittleEndian.AppendUint64(nil, both)[:splitBytes])
	}
	out.Write(make([]byte, 8-splitBytes)) // so that the last one can be read as eight bytes
	binary.Write(&out, binary.LittleEndian, pairs.slots)
	binary.Write(&out, binary.LittleEndian, pairs.filter)
	return out.Bytes(), nil
}

const (
	idBits     = 18
	splitBytes = 5
)

// split is the two tokens that merge into a third. For what does not split, the bytes and a gap between the
// ids, both are the id itself.
type split struct{ left, right int }

// splitAll returns how each token comes about.
func splitAll(tokens [][]byte) ([]split, error) {
	ids := map[string]int{}
	for id, token := range tokens {
		ids[string(token)] = id
	}
	splits := make([]split, len(tokens))
	for id, token := range tokens {
		if (len(token) == 1) != (id < 256) {
			return nil, fmt.Errorf("token %d is %q: the bytes are to be the first 256", id, token)
		}
		if len(token) < 2 {
			splits[id] = split{id, id}
			continue
		}
		parts := merge(ids, token, id)
		if len(parts) != 2 {
			return nil, fmt.Errorf("token %d %q merges from %q: it is out of reach", id, token, parts)
		}
		splits[id] = split{ids[string(parts[0])], ids[string(parts[1])]}
	}
	return splits, nil
}

// merge applies the merges below limit to token.
func merge(ids map[string]int, token []byte, limit int) [][]byte {
	parts := make([][]byte, len(token))
	for i := range token {
		parts[i] = token[i : i+1]
	}
	for {
		best, at := limit, -1
		for i := 0; i+1 < len(parts); i++ {
			joined := token[:0:0]
			joined = append(append(joined, parts[i]...), parts[i+1]...)
			if id, ok := ids[string(joined)]; ok && id < best {
				best, at = id, i
			}
		}
		if at < 0 {
			return parts
		}
		parts[at] = append(parts[at][:len(parts[at]):len(parts[at])], parts[at+1]...)
		parts = append(parts[:at+1], parts[at+2:]...)
	}
}
