package estimate

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	_ "golang.org/x/image/webp" // for image.DecodeConfig
)

// FuzzSizeOf holds sizeOf to the decoders of the standard library and of golang.org/x/image: what they
// can read has the size that they say.
func FuzzSizeOf(f *testing.F) {
	picture := image.NewPaletted(image.Rect(0, 0, 300, 20), []color.Color{color.Black, color.White})
	jpg := encode(func(b *bytes.Buffer) error { return jpeg.Encode(b, picture, nil) })
	f.Add(encode(func(b *bytes.Buffer) error { return png.Encode(b, picture) }))
	f.Add(encode(func(b *bytes.Buffer) error { return gif.Encode(b, picture, nil) }))
	f.Add(jpg)
	f.Add(append([]byte{0xff, 0xd8, 0xff, 0xe1, 0, 4, 1, 2, 'x', 0xff, 0, 0xff, 0xff}, jpg[3:]...))
	f.Add(webp("VP8 ", 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x2c, 0x41, 0x14, 0x80))
	f.Add(webp("VP8L", 0x2f, 0x41, 0x6c, 0x6f, 0, 0x6b))
	f.Add(webp("VP8X", 0x02, 0, 0, 0, 0x2b, 0x01, 0, 0x13, 0, 0))
	f.Fuzz(func(t *testing.T, raw []byte) {
		config, format, err := image.DecodeConfig(bytes.NewReader(raw))
		if err != nil || config.Width == 0 || config.Height == 0 {
			return
		}
		// Only golang.org/x/image takes a WebP image that begins with another chunk.
		if format == "webp" && !bytes.HasPrefix(raw[12:], []byte("VP8")) {
			return
		}
		want := Size{config.Width, config.Height}
		if got, err := sizeOf(base64.StdEncoding.EncodeToString(raw)); got != want || err != nil {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	})
}
