// Answers as Markdown. A model's words are anybody's words. The parser hands over what it finds piece by piece, and only
// elements of the list below are made of it: HTML in an answer stays text, and nothing is fetched, since an image of another
// origin becomes a link to it. What has been made goes through DOMPurify once it is complete, as a second lock.
import * as smd from "./smd.js";
import "./purify.js";
import { copier, h, set } from "./dom.js";
import { T } from "./texts.js";

const tags = {
  [smd.PARAGRAPH]: "p", [smd.HEADING_1]: "h4", [smd.HEADING_2]: "h4", [smd.HEADING_3]: "h5", [smd.HEADING_4]: "h6", [smd.HEADING_5]: "h6", [smd.HEADING_6]: "h6",
  [smd.BLOCKQUOTE]: "blockquote", [smd.LINE_BREAK]: "br", [smd.RULE]: "hr", [smd.LIST_UNORDERED]: "ul", [smd.LIST_ORDERED]: "ol", [smd.LIST_ITEM]: "li",
  [smd.ITALIC_AST]: "em", [smd.ITALIC_UND]: "em", [smd.STRONG_AST]: "strong", [smd.STRONG_UND]: "strong", [smd.STRIKE]: "s",
  [smd.CODE_INLINE]: "code", [smd.EQUATION_INLINE]: "code", [smd.LINK]: "a", [smd.RAW_URL]: "a", [smd.IMAGE]: "a",
};
const whole = 1; // the token of a whole text, which the module does not export
const link = { target: "_blank", rel: "noopener noreferrer nofollow" };
const web = /^(https?:\/\/|mailto:)/i;
const picture = /^data:image\/(png|jpeg|gif|webp);base64,[a-z0-9+/=]+$/i;

// renderer makes the elements of a text below root. nodes are those that are open, the innermost last.
function renderer(root) {
  const nodes = [root];
  const top = () => nodes.at(-1);
  return {
    data: null,
    add_token(_, type) {
      return nodes.push(type === whole ? root : element(type, top()));
    },
    end_token() {
      const node = nodes.pop();
      if (node.tagName === "A" && !node.hasAttribute("href") && node.dataset.src) showImage(node);
    },
    add_text(_, text) {
      top().append(text);
    },
    set_attr(_, type, value) {
      const node = top();
      if (type === smd.HREF && web.test(value)) node.href = value;
      else if (type === smd.SRC) node.dataset.src = value;
      else if (type === smd.LANG) node.closest(".code").querySelector(".codebar span").textContent = value;
      else if (type === smd.CHECKED) node.checked = true;
      else if (type === smd.START) node.setAttribute("start", value);
    },
  };
}

function element(type, parent) {
  switch (type) {
    case smd.CODE_BLOCK: case smd.CODE_FENCE: case smd.EQUATION_BLOCK: {
      const code = h("code", {});
      parent.append(h("div", { class: "code" }, h("div", { class: "codebar" }, h("span", {}, new T("md.code")), copier(() => code.textContent)), h("pre", { tabindex: 0 }, code)));
      return code;
    }
    case smd.CHECKBOX:
      return append(parent, h("input", { type: "checkbox", disabled: true, "aria-label": new T("md.task") }));
    case smd.TABLE:
      return append(append(parent, h("div", { class: "scroll", tabindex: 0 })), h("table", {}));
    case smd.TABLE_ROW: {
      const part = parent.children.length === 0 ? "thead" : "tbody";
      return append(parent.querySelector("tbody") ?? append(parent, h(part, {})), h("tr", {}));
    }
    case smd.TABLE_CELL:
      return append(parent, h(parent.parentElement.tagName === "THEAD" ? "th" : "td", {}));
    default:
      return append(parent, h(tags[type] ?? "span", tags[type] === "a" ? link : {}));
  }
}

function append(parent, node) {
  parent.append(node);
  return node;
}

// showImage puts an image in place of the link that stands for it if it is in the text itself, or else makes the link one.
function showImage(node) {
  const { src } = node.dataset;
  delete node.dataset.src;
  if (picture.test(src)) return node.replaceWith(h("img", { src, alt: node.textContent }));
  set(node, new T("md.image"), node.textContent || src.slice(0, 80));
  if (web.test(src)) node.href = src;
}

const allowed = {
  IN_PLACE: true, ALLOWED_TAGS: [...new Set(Object.values(tags)), "div", "span", "pre", "table", "thead", "tbody", "tr", "th", "td", "input", "img", "button", "svg", "path"],
  ALLOWED_ATTR: ["href", "target", "rel", "src", "alt", "start", "type", "checked", "disabled", "class", "tabindex", "aria-label", "aria-hidden", "title", "d", "viewbox"],
  ALLOW_DATA_ATTR: false,
};

// A Growing shows text that grows. What is there already stays as it is, so that it can be selected while more comes, and
// a long answer costs no more than a short one.
export class Growing {
  constructor(root) {
    this.root = root;
    this.parser = smd.parser(renderer(root));
    this.written = 0;
  }

  update(text) {
    smd.parser_write(this.parser, text.slice(this.written));
    this.written = text.length;
  }

  // finish shows the rest, and looks the whole through.
  finish(text) {
    this.update(text);
    smd.parser_end(this.parser);
    globalThis.DOMPurify.sanitize(this.root, allowed);
  }
}
