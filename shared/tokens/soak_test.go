package tokens

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A longer soak, and one that hands its texts to the reference implementation:
//
//	go test ./shared/tokens -run TestSoak -v -timeout 0 -soak 30m -seed 2
//	mkfifo /tmp/lines
//	python infra/tokens/generate/reference.py compare VOCABULARIES </tmp/lines &
//	go test ./shared/tokens -run TestSoak -v -timeout 0 -soak 20000000 -lines /tmp/lines
var (
	soak  = flag.String("soak", "40000", "how many executions of TestSoak, or for how long")
	seed  = flag.Uint64("seed", 1, "what the texts of TestSoak depend on")
	lines = flag.String("lines", "", "file for the texts of TestSoak and their ids: hexadecimal, o200k_base, cl100k_base")
)

// An execution is a text that one of the large vocabularies, and the reference, encode and count. The small
// ones get each eighth text.
var large, small = []string{"o200k_base", "cl100k_base"}, []string{"p50k_base", "r50k_base"}

// TestSoak compares with the reference on random texts. Each depends on the seed and its number alone.
func TestSoak(t *testing.T) {
	executions, end, err := limits(*soak)
	if err != nil {
		t.Fatal(err)
	}
	out := &record{Writer: io.Discard}
	if *lines != "" {
		file, err := os.Create(*lines)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		out.Writer = file
	}
	const block = 512 // texts
	start := time.Now()
	var begun, done, bytes atomic.Uint64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			mill, large, small := newMill(t, *seed), pairs(t, large), pairs(t, small)
			for !t.Failed() && time.Now().Before(end) {
				first := block * (begun.Add(1) - 1)
				if first*uint64(len(large)) >= executions {
					break
				}
				var size uint64
				for n := first; n < first+block; n++ {
					s := newSample(mill.text(n))
					size += uint64(len(s.text))
					all := large
					if n%8 == 0 {
						all = append(all, small...)
					}
					for _, p := range all {
						if d := p.difference(s, n%5 == 0); d != "" {
							t.Errorf("text %d of seed %d: %s", n, *seed, d)
							return
						}
					}
					if *lines != "" {
						out.add(s.text, large)
					}
				}
				bytes.Add(size)
				if n := done.Add(block * uint64(len(large))); n%(1<<24) == 0 {
					t.Logf("%d executions after %v", n, time.Since(start).Round(time.Second))
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d executions on %d bytes of seed %d in %v", done.Load(), bytes.Load(), *seed, time.Since(start).Round(time.Millisecond))
}

// limits reads -soak.
func limits(flag string) (executions uint64, end time.Time, err error) {
	if n, err := strconv.ParseUint(flag, 10, 64); err == nil {
		return n, time.Now().AddDate(1, 0, 0), nil
	}
	length, err := time.ParseDuration(flag)
	if err != nil {
		return 0, end, fmt.Errorf("-soak %s is neither a number of executions nor a duration", flag)
	}
	return 1 << 63, time.Now().Add(length), nil
}

// pair is an encoding and the reference for it. Not to be used concurrently.
type pair struct {
	fast      *Encoding
	slow      naive
	got, want []int
}

func pairs(tb testing.TB, names []string) []*pair {
	var all []*pair
	for _, name := range names {
		all = append(all, &pair{fast: lookup(tb, name), slow: *naives()[name]})
	}
	return all[:len(all):len(all)]
}

// sample is a text, what it is as UTF-8, and where each byte of that is in the text.
type sample struct {
	text, valid string
	places      []int
}

func newSample(text string) sample {
	valid, places := withReplacements(text)
	return sample{text, valid, places}
}

// difference returns what the two do not agree about, or "": ids, count and, if asked for, places.
func (p *pair) difference(s sample, places bool) (found string) {
	defer func() {
		if r := recover(); r != nil {
			found = fmt.Sprintf("%s: %q panics: %v", p.fast.name, s.text, r)
		}
	}()
	p.got, p.want = p.fast.AppendIDs(p.got[:0], s.text), p.slow.encode(p.want[:0], s.valid)
	if !slices.Equal(p.got, p.want) {
		return fmt.Sprintf("%s: %q is %v, want %v", p.fast.name, s.text, p.got, p.want)
	}
	if n := p.fast.Count(s.text); n != len(p.want) {
		return fmt.Sprintf("%s: %q counts %d, want %d", p.fast.name, s.text, n, len(p.want))
	}
	if places {
		got, want := slices.Collect(p.fast.Tokens(s.text)), p.slow.placeTokens(p.want, s.places)
		if !slices.Equal(got, want) {
			return fmt.Sprintf("%s: %q is %v, want %v", p.fast.name, s.text, got, want)
		}
	}
	return ""
}

// record is where the texts and ids go, a line each.
type record struct {
	sync.Mutex
	io.Writer
}

func (r *record) add(text string, large []*pair) {
	row := []any{hex.EncodeToString([]byte(text))}
	for _, p := range large {
		row = append(row, p.want)
	}
	line, _ := json.Marshal(row)
	r.Lock()
	defer r.Unlock()
	r.Write(append(line, '\n'))
}
