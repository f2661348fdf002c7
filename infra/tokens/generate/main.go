// Generate writes the tables that shared/tokens carries: the vocabularies and the classes of characters.
// The vocabularies come from a Go module that packs them; what counts is that their SHA-256 is the one
// that tiktoken's own source states.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

const module = "github.com/pkoukk/tiktoken-go-loader@v0.0.2"

// sums are from tiktoken 0.14.0, tiktoken_ext/openai_public.py.
// r50k_base is p50k_base without its last tokens, runs of spaces; that is checked and nothing stored.
var sums = map[string]string{
	"o200k_base":  "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
	"cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
	"p50k_base":   "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069",
	"r50k_base":   "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930",
}

func main() {
	log.SetFlags(0)
	out := flag.String("out", "data", "where the tables go")
	keep := flag.String("keep", "", "a folder to put the vocabularies in as they came, for reference.py")
	flag.Parse()

	from, err := download()
	if err != nil {
		log.Fatal(err)
	}
	vocabularies := map[string][][]byte{}
	for name, sum := range sums {
		data, err := os.ReadFile(filepath.Join(from, name+".tiktoken"))
		if err != nil {
			log.Fatal(err)
		}
		if got := sha256.Sum256(data); hex.EncodeToString(got[:]) != sum {
			log.Fatalf("%s: SHA-256 is %x, want %s", name, got, sum)
		}
		if *keep != "" {
			write(filepath.Join(*keep, name+".tiktoken"), data)
		}
		if vocabularies[name], err = parse(data); err != nil {
			log.Fatalf("%s: %v", name, err)
		}
	}
	for id, token := range vocabularies["r50k_base"] {
		if !bytes.Equal(token, vocabularies["p50k_base"][id]) {
			log.Fatalf("r50k_base and p50k_base differ at %d", id)
		}
	}
	for _, name := range []string{"o200k_base", "cl100k_base", "p50k_base"} {
		packed, err := pack(vocabularies[name])
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		write(filepath.Join(*out, name+".bin"), packed)
	}
	table, err := classTable("classes.txt")
	if err != nil {
		log.Fatal(err)
	}
	write(filepath.Join(*out, "classes.bin"), table)
}

// download returns the folder of the module that holds the vocabularies.
func download() (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w", module, err)
	}
	var got struct{ Dir string }
	if err := json.Unmarshal(out, &got); err != nil {
		return "", err
	}
	return filepath.Join(got.Dir, "assets"), nil
}

// parse reads lines of a token in base64 and its rank. The result is indexed by rank; p50k_base leaves
// 50256 out, which is its <|endoftext|>.
func parse(data []byte) ([][]byte, error) {
	var tokens [][]byte
	for line := range bytes.Lines(data) {
		encoded, rank, ok := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if !ok {
			return nil, fmt.Errorf("line %q", line)
		}
		token, err := base64.StdEncoding.DecodeString(string(encoded))
		if err != nil {
			return nil, err
		}
		id, err := strconv.Atoi(string(rank))
		if err != nil || id < len(tokens) {
			return nil, fmt.Errorf("rank %q after %d", rank, len(tokens)-1)
		}
		for len(tokens) < id {
			tokens = append(tokens, nil)
		}
		tokens = append(tokens, token)
	}
	return tokens, nil
}

func write(name string, data []byte) {
	if err := os.WriteFile(name, data, 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%-40s %8d bytes\n", name, len(data))
}
