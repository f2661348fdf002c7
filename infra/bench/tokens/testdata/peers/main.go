// Peers counts each text of a folder with the project's tokenizer and with two other ones for Go, and prints
// a line per text and tokenizer: name, class, MB/s, tokens. run.sh gives it a module of its own, so that the
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
	encoding, folder := os.Args[1], os.Args[2]
	ours, err := tokens.Lookup(encoding)
	fatal(err)
	codec, err := tokenizer.Get(tokenizer.Encoding(encoding))
	fatal(err)
	pkoukk.SetBpeLoader(loader.NewOfflineLoader())
	bpe, err := pkoukk.GetEncoding(encoding)
	fatal(err)
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	fatal(err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		fatal(err)
		text := string(data)
		class := strings.TrimSuffix(filepath.Base(file), ".txt")
		report("aoai-bridge", class, text, ours.Count)
		report("tiktoken-go/tokenizer", class, text, func(s string) int {
			n, err := codec.Count(s)
			fatal(err)
			return n
		})
		report("pkoukk/tiktoken-go", class, text, func(s string) int { return len(bpe.EncodeOrdinary(s)) })
	}
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
