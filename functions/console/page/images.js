// Images that go with a message, as data URLs that fit into a request.
import { T, bytes } from "./texts.js";

// Lambda takes 6 MB of a request, and base64 makes 4 of 3 bytes; what is left is for the conversation.
const most = 4.5e6;

// side is the longest that an image is sent with, in pixels: a photo has half a megabyte then, and several fit into a request.
const side = 2048;

// imagesOf returns the data URLs of image files, and what is wrong with the others.
export async function imagesOf(files, before) {
  const images = [];
  const complaints = [];
  let total = before.reduce((n, url) => n + url.length, 0);
  for (const file of files) {
    let url;
    try {
      url = await dataURL(file);
    } catch {
      complaints.push(new T("chat.image.bad", { name: file.name }));
      continue;
    }
    if (total + url.length > most) {
      complaints.push(new T("chat.image.large", { name: file.name, size: bytes(file.size) }));
      continue;
    }
    total += url.length;
    images.push(url);
  }
  return { images, complaints };
}

async function dataURL(file) {
  if (!/^image\/(png|jpeg|webp|gif)$/.test(file.type)) throw new Error("no image");
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  if (scale === 1 && file.size <= 1e6) {
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.onerror = reject;
      reader.readAsDataURL(file);
    });
  }
  const canvas = Object.assign(document.createElement("canvas"), { width: bitmap.width * scale, height: bitmap.height * scale });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.85);
}
