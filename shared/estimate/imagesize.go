package estimate

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net/url"
	"strings"
)

// Size is the size of an image in pixels.
type Size struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

var (
	errNotBase64 = errors.New("it is not base64")
	errNotImage  = errors.New("it is no PNG, JPEG, GIF or WebP image")
	errCut       = errors.New("the image ends before its size is told")
	errAnimated  = errors.New("it is an animated GIF, which the models refuse")
)

// dataURL returns the base64 of a data URL, and false for any other URL.
func dataURL(text string) (data string, ok bool) {
	if len(text) < 5 || !strings.EqualFold(text[:5], "data:") {
		return "", false
	}
	head, data, _ := strings.Cut(text, ",")
	if !strings.HasSuffix(strings.ToLower(head), ";base64") {
		return "", true // sizeOf returns errNotBase64
	}
	return data, true
}

// isWebURL reports whether a model's provider would fetch an image from a URL.
func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" // url.Parse lowers the scheme
}

// sizeOf reads an image's size from its header, and no further than that, except that it looks through a GIF for a
// second image. The decoders of the standard
// library and of golang.org/x/image are not used here, only in the tests: they refuse JPEG images that others
// read (arithmetic coding, 12 bits, some subsampling ratios), go on to tables that the size does not depend
// on, and make the function 270 KB larger.
func sizeOf(encoded string) (Size, error) {
	if encoded == "" {
		return Size{}, errNotBase64
	}
	// Some encoders leave the padding out.
	encoded = strings.TrimRight(encoded, "= \r\n")
	r := bufio.NewReader(base64.NewDecoder(base64.RawStdEncoding, strings.NewReader(encoded)))
	size, err := readSize(r)
	var corrupt base64.CorruptInputError
	switch {
	case errors.As(err, &corrupt):
		return Size{}, errNotBase64
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return Size{}, errCut
	case err == nil && (size.Width <= 0 || size.Height <= 0):
		return Size{}, errNotImage
	}
	return size, err
}

func readSize(r *bufio.Reader) (Size, error) {
	magic, err := r.Peek(4)
	if err != nil {
		return Size{}, err
	}
	switch string(magic) {
	case "\x89PNG":
		return readPNG(r)
	case "GIF8":
		return readGIF(r)
	case "RIFF":
		return readWebP(r)
	}
	if magic[0] == 0xff && magic[1] == 0xd8 {
		return readJPEG(r)
	}
	return Size{}, errNotImage
}

// readBytes returns the next n bytes.
func readBytes(r *bufio.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return b, err
}

// readPNG: signature (8), length (4), "IHDR", width, height. https://www.w3.org/TR/png/#11IHDR
func readPNG(r *bufio.Reader) (Size, error) {
	b, err := readBytes(r, 24)
	if err != nil {
		return Size{}, err
	}
	if string(b[12:16]) != "IHDR" {
		return Size{}, errNotImage
	}
	return Size{int(binary.BigEndian.Uint32(b[16:])), int(binary.BigEndian.Uint32(b[20:]))}, nil
}

// readGIF: signature (6), width, height, flags, background, aspect ratio, and then the blocks.
// https://www.w3.org/Graphics/GIF/spec-gif89a.txt
func readGIF(r *bufio.Reader) (Size, error) {
	b, err := readBytes(r, 10)
	if err != nil {
		return Size{}, err
	}
	size := Size{int(binary.LittleEndian.Uint16(b[6:])), int(binary.LittleEndian.Uint16(b[8:]))}
	var corrupt base64.CorruptInputError
	switch images, err := countGIF(r); {
	case images > 1:
		return Size{}, errAnimated
	case errors.As(err, &corrupt):
		return Size{}, err
	}
	return size, nil // what is cut after the first image is shown as far as it goes
}

// countGIF returns how many images a GIF has after its size; it stops at the second. The error, if any, says that
// the file ends or is damaged before its trailer.
func countGIF(r *bufio.Reader) (images int, err error) {
	b, err := readBytes(r, 3)
	if err != nil {
		return 0, err
	}
	if err := skipColors(r, b[0]); err != nil {
		return 0, err
	}
	for {
		kind, err := r.ReadByte()
		if err != nil {
			return images, err
		}
		switch kind {
		case 0x21: // an extension: its label and sub-blocks
			_, err = r.Discard(1)
		case 0x2c: // an image: place and size (8), flags, colors, and the size of its codes before sub-blocks
			if images++; images > 1 {
				return images, nil
			}
			if b, err = readBytes(r, 9); err == nil {
				err = skipColors(r, b[8])
			}
			if err == nil {
				_, err = r.Discard(1)
			}
		default: // the trailer, or what no viewer reads
			return images, nil
		}
		for length := byte(1); err == nil && length > 0; {
			if length, err = r.ReadByte(); err == nil {
				_, err = r.Discard(int(length))
			}
		}
		if err != nil {
			return images, err
		}
	}
}

// skipColors skips a table of colors, if the flags say that there is one.
func skipColors(r *bufio.Reader, flags byte) error {
	if flags&0x80 == 0 {
		return nil
	}
	_, err := r.Discard(3 << (flags&7 + 1))
	return err
}

// readWebP: "RIFF", size (4), "WEBP", and a first chunk of one of three forms: name (4), length (4), body.
// https://developers.google.com/speed/webp/docs/riff_container
func readWebP(r *bufio.Reader) (Size, error) {
	b, err := readBytes(r, 20)
	if err != nil {
		return Size{}, err
	}
	form := string(b[8:16])
	header := map[string]int{"WEBPVP8 ": 10, "WEBPVP8L": 5, "WEBPVP8X": 10}[form]
	if header == 0 {
		return Size{}, errNotImage
	}
	if b, err = readBytes(r, header); err != nil {
		return Size{}, err
	}
	switch form {
	case "WEBPVP8L": // a signature byte, then 14 bits each, less one
		bits := binary.LittleEndian.Uint32(b[1:])
		return Size{int(bits&0x3fff) + 1, int(bits>>14&0x3fff) + 1}, nil
	case "WEBPVP8X": // flags (4), then 24 bits each, less one
		return Size{uint24(b[4:]) + 1, uint24(b[7:]) + 1}, nil
	}
	// A frame tag (3) and a start code (3), then 14 bits each.
	return Size{int(binary.LittleEndian.Uint16(b[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(b[8:]) & 0x3fff)}, nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// readJPEG skips segments until the one that starts a frame. ITU T.81, B.1 and B.2.
func readJPEG(r *bufio.Reader) (Size, error) {
	if _, err := r.Discard(2); err != nil {
		return Size{}, err
	}
	for {
		marker, err := nextMarker(r)
		switch {
		case err != nil:
			return Size{}, err
		case marker == 0x01 || 0xd0 <= marker && marker <= 0xd8:
			continue // markers that stand alone
		case marker == 0xd9 || marker == 0xda:
			return Size{}, errNotImage // the image, before its frame
		}
		b, err := readBytes(r, 2)
		if err != nil {
			return Size{}, err
		}
		length := int(binary.BigEndian.Uint16(b))
		if length < 2 {
			return Size{}, errNotImage
		}
		// Every SOF marker, except the three codes between them that mean something else.
		if 0xc0 <= marker && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc {
			if b, err = readBytes(r, 5); err != nil {
				return Size{}, err
			}
			return Size{int(binary.BigEndian.Uint16(b[3:])), int(binary.BigEndian.Uint16(b[1:]))}, nil
		}
		if _, err := r.Discard(length - 2); err != nil {
			return Size{}, err
		}
	}
}

// nextMarker returns the next segment's marker: the first byte after a 0xff that is neither 0xff nor 0.
// Whatever stands before it is skipped, as libjpeg and image/jpeg do.
func nextMarker(r *bufio.Reader) (byte, error) {
	for prefixed := false; ; {
		b, err := r.ReadByte()
		if err != nil || prefixed && b != 0xff && b != 0 {
			return b, err
		}
		prefixed = b == 0xff
	}
}
