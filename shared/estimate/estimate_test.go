package estimate

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/tokens"
)

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		encoding, text string
		want           []string
	}{
		{"r50k_base", "hamburger", []string{"ham", "bur", "ger"}},
		{"r50k_base", " pear", []string{" pear"}},
		{"o200k_base", " pear", []string{" pear"}},
		{"cl100k_base", " pear", []string{" pear"}},
	} {
		t.Run(tt.encoding+" "+tt.text, func(t *testing.T) {
			e, err := tokens.Lookup(tt.encoding)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for token := range e.Tokens(tt.text) {
				got = append(got, tt.text[token.Start:token.End])
			}
			if strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestImageTokens(t *testing.T) {
	for _, tt := range []struct {
		model  string
		w, h   int
		detail string
		want   int
	}{
		// OpenAI's guide "Images and vision", and what Azure documents of it.
		{"gpt-4o", 4096, 8192, "low", 85},
		{"gpt-4o", 2048, 4096, "high", 1105},
		{"gpt-4o", 1024, 1024, "high", 765},
		{"gpt-4o", 1024, 1024, "auto", 765},
		{"gpt-4o", 1, 1, "high", 255},
		{"gpt-4o", 1<<32 - 1, 1, "high", 255 + 3*170}, // a line of 2048 pixels
		{"o3", 1, 1<<32 - 1, "high", 75 + 4*150},
		{"gpt-4o-mini", 32, 32, "high", 8500},
		{"gpt-5.4", 1024, 1024, "high", 1229},
		{"gpt-5.4", 2048, 2048, "high", 3000},
		{"gpt-5.4", 2048, 2048, "auto", 3000},
		{"gpt-6-astra", 4096, 512, "high", 2458},
		{"o3", 1024, 1024, "high", 75 + 4*150},
		{"gpt-4o", 10000, 5000, "original", 85 + 170*6}, // it has no such level: 1536x768
		{"gpt-5.5", 10000, 5000, "original", 11760},     // 50 megapixels
	} {
		t.Run(fmt.Sprintf("%s %dx%d %s", tt.model, tt.w, tt.h, tt.detail), func(t *testing.T) {
			got, err := imageTokens(catalog.Embedded().Images(tt.model), Size{tt.w, tt.h}, tt.detail)
			if err != nil || got != tt.want {
				t.Errorf("got %d, %v, want %d", got, err, tt.want)
			}
		})
	}
}

// The old guide's worked example, whose budget no model has any more.
func TestPatchBudget(t *testing.T) {
	if got := patches(catalog.Detail{MaxDim: 2400, Budget: 1536}, 1800, 2400); got != 1452 {
		t.Errorf("got %d patches, want 1452", got)
	}
}

func TestImageIsRefused(t *testing.T) {
	if _, err := imageTokens(catalog.Embedded().Images("gpt-6-astra"), Size{10000, 5000}, "original"); err == nil {
		t.Error("49141 patches are accepted, where the model takes 30000")
	}
}

// Where sources disagree, an image is a range between them, and as sure as neither.
func TestDisputedImages(t *testing.T) {
	for _, tt := range []struct {
		model       string
		w, h        int
		least, most int
	}{
		{"gpt-4.1-mini", 512, 512, 415, 415}, // 256 patches, which both count
		{"gpt-4.1-mini", 1800, 2400, 2353, 4977},
		{"gpt-5.2", 2048, 2048, 1826, 4916},
		{"gpt-5-mini", 512, 512, 308, 415}, // they differ about the multiplier
		{"gpt-5-nano", 2048, 2048, 3742, 6144},
		{"o4-mini", 2048, 2048, 2617, 7046},
	} {
		t.Run(fmt.Sprintf("%s %dx%d", tt.model, tt.w, tt.h), func(t *testing.T) {
			n, err := catalog.Embedded().Lookup(tt.model)
			if err != nil {
				t.Fatal(err)
			}
			rules, err := RulesFor(catalog.Embedded(), n, nil)
			if err != nil {
				t.Fatal(err)
			}
			rules.Sizes = []Size{{tt.w, tt.h}}
			c, err := Of(Chat, parse(t, `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png","detail":"high"}}]}]}`), rules)
			if err != nil {
				t.Fatal(err)
			}
			p := c.Parts[0]
			least := p.Tokens
			if p.Min != nil {
				least = *p.Min
			}
			if p.Part != "images" || least != tt.least || p.Tokens != tt.most || p.Basis != Estimated {
				t.Errorf("got %d to %d (%s), want %d to %d", least, p.Tokens, p.Basis, tt.least, tt.most)
			}
			if low, high := imageRange(rules.Images, "high"); tt.least < low || tt.most > high {
				t.Errorf("an image of any size has %d to %d tokens, and this one %d to %d", low, high, tt.least, tt.most)
			}
		})
	}
}

// Any size at all must give a count within the range given for an unknown size.
func TestImageRange(t *testing.T) {
	sides := []int{1, 31, 33, 512, 513, 768, 2048, 2049, 7071, 65535, 1 << 31}
	for _, model := range []string{"gpt-4o", "gpt-4o-mini", "gpt-5.4", "gpt-5.5", "gpt-6-astra", "gpt-5.6-luna"} {
		rule := catalog.Embedded().Images(model)
		for _, level := range []string{"low", "high", "auto", "original"} {
			least, most := imageRange(rule, level)
			for _, w := range sides {
				for _, h := range sides {
					got, err := imageTokens(rule, Size{w, h}, level)
					if err == nil && (got < least || got > most) {
						t.Errorf("%s %s: %dx%d takes %d, outside %d to %d", model, level, w, h, got, least, most)
					}
				}
			}
		}
	}
}

func encode(f func(*bytes.Buffer) error) []byte {
	var b bytes.Buffer
	if err := f(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// webp returns an image of one chunk, of fewer than 100 bytes.
func webp(form string, body ...byte) []byte {
	return append([]byte("RIFF"+string(rune(len(body)+12))+"\x00\x00\x00WEBP"+form+string(rune(len(body)))+"\x00\x00\x00"), body...)
}

func TestSizeOf(t *testing.T) {
	picture := image.NewPaletted(image.Rect(0, 0, 300, 20), []color.Color{color.Black, color.White})
	jpg := encode(func(b *bytes.Buffer) error { return jpeg.Encode(b, picture, nil) })
	exif := append([]byte{0xff, 0xd8, 0xff, 0xe1, 0xff, 0xff}, make([]byte, 0xffff-2)...) // 64 KB before the frame
	huge := encode(func(b *bytes.Buffer) error { return png.Encode(b, picture) })
	binary.BigEndian.PutUint32(huge[16:], 10000)
	binary.BigEndian.PutUint32(huge[20:], 5000)
	for _, tt := range []struct {
		name  string
		image []byte
		want  Size
		err   error
	}{
		{"png", encode(func(b *bytes.Buffer) error { return png.Encode(b, picture) }), Size{300, 20}, nil},
		{"png of 50 megapixels", huge, Size{10000, 5000}, nil},
		{"gif", encode(func(b *bytes.Buffer) error { return gif.Encode(b, picture, nil) }), Size{300, 20}, nil},
		{"gif of one frame that repeats", animation(1), Size{300, 20}, nil},
		{"animated gif", animation(2), Size{}, errAnimated},
		{"animated gif that is cut in its third frame", animation(3)[:len(animation(3))-20], Size{}, errAnimated},
		{"gif that is cut in its frame", animation(1)[:len(animation(1))-8], Size{300, 20}, nil},
		{"gif of a header only", animation(1)[:10], Size{300, 20}, nil},
		{"jpeg", jpg, Size{300, 20}, nil},
		{"jpeg with a long header", append(exif, jpg[2:]...), Size{300, 20}, nil},
		{"jpeg with bytes between segments", append([]byte{0xff, 0xd8, 'x', 0xff, 0, 'y'}, jpg[2:]...), Size{300, 20}, nil},
		{"jpeg, arithmetic coding", bytes.Replace(jpg, []byte{0xff, 0xc0}, []byte{0xff, 0xc9}, 1), Size{300, 20}, nil},
		{"webp, lossy", webp("VP8 ", 0, 0, 0, 0x9d, 0x01, 0x2a, 0x2c, 0x41, 0x14, 0x80), Size{300, 20}, nil},
		{"webp, lossless", webp("VP8L", 0x2f, 0x2b, 0xc1, 0x04, 0x00, 0, 0, 0, 0, 0), Size{300, 20}, nil},
		{"webp, extended", webp("VP8X", 0, 0, 0, 0, 0x2b, 0x01, 0, 0x13, 0, 0), Size{300, 20}, nil},
		{"webp of 26 bytes", webp("VP8L", 0x2f, 0x41, 0x6c, 0x6f, 0, 0x6b), Size{11330, 446}, nil},
		{"webp of another kind", webp("VP9 ", make([]byte, 10)...), Size{}, errNotImage},
		{"text", []byte("this is no image, but some text"), Size{}, errNotImage},
		{"cut png", huge[:20], Size{}, errCut},
		{"cut jpeg", jpg[:30], Size{}, errCut},
		{"jpeg without a frame", []byte{0xff, 0xd8, 0xff, 0xda, 0, 4, 0, 0}, Size{}, errNotImage},
		{"png of no size", append(huge[:16:16], make([]byte, 8)...), Size{}, errNotImage},
		{"nothing", nil, Size{}, errNotBase64},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := sizeOf(base64.StdEncoding.EncodeToString(tt.image))
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %v, %v, want %v, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

// animation returns a GIF of so many frames.
func animation(frames int) []byte {
	g := &gif.GIF{LoopCount: 3}
	for range frames {
		g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, 300, 20), []color.Color{color.Black, color.White, color.Gray{9}}))
		g.Delay = append(g.Delay, 10)
	}
	return encode(func(b *bytes.Buffer) error { return gif.EncodeAll(b, g) })
}

const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z/C/HgAGgwJ/lK3Q6wAAAABJRU5ErkJggg=="

func TestErrorsNameTheParameter(t *testing.T) {
	content := func(piece string) string {
		return `{"messages":[{"role":"user","content":[` + piece + `]}]}`
	}
	for _, tt := range []struct{ name, body, param, code string }{
		{"no body", `{}`, "messages", "missing_required_parameter"},
		{"not an object", `[]`, "", "invalid_json"},
		{"messages of another type", `{"messages":"hi"}`, "messages", "invalid_type"},
		{"no messages", `{"messages":[]}`, "messages", "empty_array"},
		{"numbers for messages", `{"messages":[1,2]}`, "messages", "invalid_type"},
		{"a number among messages", `{"messages":[{"role":"user","content":"a"},7]}`, "messages", "invalid_type"},
		{"a number among contents", content(`{"type":"text","text":"a"},7`), "messages[0].content", "invalid_type"},
		{"a number among tools", `{"messages":[{"role":"user","content":"a"}],"tools":[7]}`, "tools", "invalid_type"},
		{"a number among calls", `{"messages":[{"role":"assistant","tool_calls":[7]}]}`, "messages[0].tool_calls", "invalid_type"},
		{"a number among items", `{"input":[7,"x"]}`, "input", "invalid_type"},
		{"a string for a message", `{"messages":["hi"]}`, "messages[0]", "invalid_type"},
		{"no role", `{"messages":[{"content":"hi"}]}`, "messages[0].role", "missing_required_parameter"},
		{"a number for content", `{"messages":[{"role":"user","content":"a"},{"role":"user","content":3}]}`, "messages[1].content", "invalid_type"},
		{"content without type", content(`{"text":"hi"}`), "messages[0].content[0].type", "missing_required_parameter"},
		{"text of another type", content(`{"type":"text","text":[]}`), "messages[0].content[0].text", "invalid_type"},
		{"tools of another type", `{"messages":[{"role":"user","content":"a"}],"tools":{}}`, "tools", "invalid_type"},
		{"a tool without name", `{"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{}}]}`, "tools[0].function.name", "missing_required_parameter"},
		{"parameters of another type", `{"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f","parameters":"x"}}]}`, "tools[0].function.parameters", "invalid_type"},
		{"an unknown tool choice", `{"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"maybe"}`, "tool_choice", "invalid_value"},
		{"a number for a format", `{"messages":[{"role":"user","content":"a"}],"response_format":1}`, "response_format", "invalid_type"},
		{"a format without schema", `{"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_schema","json_schema":{"name":"x"}}}`, "response_format.schema", "missing_required_parameter"},
		{"an image that is none", content(`{"type":"image_url","image_url":{"url":"data:image/png;base64,aGVsbG8gd29ybGQ="}}`), "messages[0].content[0].image_url.url", "invalid_image"},
		{"an image that is not base64", content(`{"type":"image_url","image_url":{"url":"data:image/png;base64,???"}}`), "messages[0].content[0].image_url.url", "invalid_image"},
		{"an image with an empty url", content(`{"type":"image_url","image_url":{"url":""}}`), "messages[0].content[0].image_url.url", "invalid_image_url"},
		{"an image with a path for a url", content(`{"type":"image_url","image_url":{"url":"C:\\a.png"}}`), "messages[0].content[0].image_url.url", "invalid_image_url"},
		{"an image with a relative url", content(`{"type":"image_url","image_url":{"url":"/a.png"}}`), "messages[0].content[0].image_url.url", "invalid_image_url"},
		{"an image by FTP", content(`{"type":"image_url","image_url":{"url":"ftp://example.com/a.png"}}`), "messages[0].content[0].image_url.url", "invalid_image_url"},
		{"an image by a URL without host", content(`{"type":"image_url","image_url":{"url":"https:///a.png"}}`), "messages[0].content[0].image_url.url", "invalid_image_url"},
		{"an image in bare base64", content(`{"type":"image_url","image_url":{"url":"` + pixel + `"}}`), "messages[0].content[0].image_url.url", "invalid_image_url"},
		{"an image of a response in bare base64", `{"input":[{"role":"user","content":[{"type":"input_image","image_url":"` + pixel + `"}]}]}`, "input[0].content[0].image_url", "invalid_image_url"},
		{"an animated image", content(`{"type":"image_url","image_url":{"url":"data:image/gif;base64,` + base64.StdEncoding.EncodeToString(animation(2)) + `"}}`), "messages[0].content[0].image_url.url", "invalid_image"},
		{"an image without url", content(`{"type":"image_url","image_url":{}}`), "messages[0].content[0].image_url.url", "missing_required_parameter"},
		{"an unknown detail", content(`{"type":"image_url","image_url":{"url":"https://example.com/x.png","detail":"best"}}`), "messages[0].content[0].image_url.url", "invalid_value"},
		{"input of another type", `{"input":7}`, "input", "invalid_type"},
		{"a string for an item", `{"input":["hi"]}`, "input[0]", "invalid_type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := try("gpt-4o", tt.body)
			var e *openaierr.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Status != 400 || e.Param != tt.param || e.Code != tt.code {
				t.Errorf("got %d %s %s (%s), want 400 %s %s", e.Status, e.Param, e.Code, e.Message, tt.param, tt.code)
			}
		})
	}
}

func TestParts(t *testing.T) {
	for _, tt := range []struct{ name, model, body, want string }{
		{"response, text", "gpt-4o", `{"input":"This is a test."}`, "messages 9 (documented); priming 3 (documented); "},
		{"response, instructions and items", "gpt-4o", `{"instructions":"hello","input":[{"role":"user","content":[{"type":"input_text","text":"hello"}]},{"type":"function_call","name":"do_stuff","arguments":"{}","call_id":"c"},{"type":"function_call_output","call_id":"c","output":"{}"}]}`,
			"instructions 5 (documented); messages 9 (documented); tool_calls 12 (documented); tool_results 5 (documented); priming 3 (documented); "},
		{"a remote image", "gpt-4o", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]}`,
			"images 1445 (estimated); messages 4 (documented); priming 3 (documented); "},
		{"a remote image of low detail", "gpt-4o", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png","detail":"low"}}]}]}`,
			"images 85 (documented); messages 4 (documented); priming 3 (documented); "},
		{"an image with escaped slashes", "gpt-4o", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image\/png;base64,` + strings.ReplaceAll(pixel, "/", `\/`) + `"}}]}]}`,
			"images 255 (documented); messages 4 (documented); priming 3 (documented); "},
		{"audio and files", "gpt-4o", `{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{}},{"type":"file","file":{}}]}]}`,
			"audio 0 (not_counted); files 0 (not_counted); messages 4 (documented); priming 3 (documented); "},
		{"a computer's tool", "gpt-5.4", `{"input":"Check the latest OpenAI news on chrome.com.","tools":[{"type":"computer_use_preview","display_width":1024,"display_height":768,"environment":"browser"}]}`,
			"computer_tool 973 (estimated); messages 14 (estimated); priming 2 (estimated); "},
		{"a computer's tool by its later name, and a function", "gpt-4o", `{"input":"hello","tools":[{"type":"computer"},{"type":"function","name":"f"}]}`,
			"computer_tool 973 (estimated); messages 5 (documented); priming 3 (documented); tools 23 (documented); "},
		{"a built-in tool and a function", "gpt-4o", `{"input":"hello","tools":[{"type":"web_search"},{"type":"function","name":"f"}]}`,
			"built_in_tools 0 (not_counted); messages 5 (documented); priming 3 (documented); tools 23 (documented); "},
		{"a reasoning model that no usage covers", "gpt-5.4", `{"messages":[{"role":"developer","content":"hello"}]}`, "messages 5 (estimated); priming 2 (estimated); "},
		{"embeddings", "text-embedding-3-small", `{"input":["hello world","hello"]}`, "input 3 (exact); "},
		{"embeddings of ids", "text-embedding-3-small", `{"input":[[1,2,3],[4]]}`, "input 4 (exact); "},
		{"embeddings of one list of ids", "text-embedding-3-small", `{"input":[1,2,3]}`, "input 3 (exact); "},
		{"text", "gpt-4o", `{"text":"hello world"}`, "text 2 (exact); "},
		{"parallel results beyond ASCII", "gpt-4o", `{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}},{"function":{"name":"f","arguments":"{}"}}]},{"role":"tool","content":"테스트"},{"role":"tool","content":"x"}]}`,
			"tool_calls 39 (estimated); messages 4 (documented); tool_results 22 (estimated); priming 3 (documented); "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := partsOf(count(t, tt.model, tt.body)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestSizesOfRemoteImages(t *testing.T) {
	body := `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]}`
	n, err := catalog.Embedded().Lookup("gpt-4o")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := RulesFor(catalog.Embedded(), n, nil)
	if err != nil {
		t.Fatal(err)
	}
	rules.Sizes = []Size{{1024, 1024}}
	c, err := Of(Chat, parse(t, body), rules)
	if err != nil || c.Tokens != 772 || c.Min != 772 {
		t.Errorf("got %+v, %v, want 772 tokens", c, err)
	}
}
