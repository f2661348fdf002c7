// Peers counts each text of a folder with the project's tokenizer or one of two others for Go, and prints
// a line per text: tokenizer, class, MB/s, tokens. run.sh gives it a module of its own, so that the
// others stay out of the project's.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"aoai-bridge/shared/tokens"

	pkoukk "github.com/pkoukk/tiktoken-go"
	loader "github.com/pkoukk/tiktoken-go-loader"
	"github.com/tiktoken-go/tokenizer"
)

// rounds is how often a text is counted; the fastest counts. A tokenizer slower than patience gets no more.
const (
	rounds   = 15
	patience = 3 * time.Second
)

func main() {
	log.SetFlags(0)
	name, encoding, folder := os.Args[1], os.Args[2], os.Args[3]
	count := counters[name](encoding)
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	fatal(err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		fatal(err)
		report(name, strings.TrimSuffix(filepath.Base(file), ".txt"), string(data), count)
	}
}

// counters loads a tokenizer; only one in a process, as the garbage of one would slow the others.
var counters = map[string]func(encoding string) func(string) int{
	"aoai-bridge": func(encoding string) func(string) int {
		e, err := tokens.Lookup(encoding)
		fatal(err)
		return e.Count
	},
	"tiktoken-go/tokenizer": func(encoding string) func(string) int {
		codec, err := tokenizer.Get(tokenizer.Encoding(encoding))
		fatal(err)
		return func(s string) int {
			n, err := codec.Count(s)
			fatal(err)
			return n
		}
	},
	"pkoukk/tiktoken-go": func(encoding string) func(string) int {
		pkoukk.SetBpeLoader(loader.NewOfflineLoader())
		bpe, err := pkoukk.GetEncoding(encoding)
		fatal(err)
		return func(s string) int { return len(bpe.EncodeOrdinary(s)) }
	},
}

func report(name, class, text string, count func(string) int) {
	began, best, n := time.Now(), time.Duration(1<<62), 0
	for i := 0; i < rounds && (i == 0 || time.Since(began) < patience); i++ {
		runtime.GC() // twice empties every sync.Pool: what was remembered of the text is gone
		runtime.GC()
		start := time.Now()
		n = count(text)
		best = min(best, time.Since(start))
	}
	fmt.Printf("%s\t%s\t%.1f\t%d\n", name, class, float64(len(text))/1e6/best.Seconds(), n)
}

func fatal(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
