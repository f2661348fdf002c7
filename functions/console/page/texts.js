// Every text of the page, in English and Japanese, and how numbers are written.
import { preference, prefer } from "./store.js";

const languages = ["en", "ja"];
let at = languages.indexOf(preference("language") ?? (navigator.language.startsWith("ja") ? "ja" : "en"));
if (at < 0) at = 0;

export const language = () => languages[at];

export function speak(name) {
  at = languages.indexOf(name);
  prefer("language", name);
}

// A T is a text of the table, with values for what it has in braces.
export class T {
  constructor(key, values = {}) {
    Object.assign(this, { key, values });
  }
}

// say returns a text in the language that is set.
export function say(text) {
  if (!(text instanceof T)) return text;
  const row = table[text.key];
  if (!row) return text.key;
  return row[at].replace(/\{(\w+)\}/g, (_, name) => {
    const value = text.values[name];
    return typeof value === "number" ? number(value) : String(say(value));
  });
}

export const number = (n, options) => new Intl.NumberFormat(language(), options).format(n);

// usd writes an amount with two digits that count, however small it is.
export function usd(n) {
  if (n === null || n === undefined) return "–";
  const tiny = n !== 0 && Math.abs(n) < 0.01;
  return "$" + number(n, tiny ? { maximumSignificantDigits: 2 } : { minimumFractionDigits: 2, maximumFractionDigits: Math.abs(n) < 1 ? 3 : 2 });
}

export function bytes(n) {
  const units = ["B", "KB", "MB", "GB"];
  let i = 0;
  for (; n >= 1000 && i < 3; i++) n /= 1000;
  return number(n, { maximumFractionDigits: i > 1 ? 1 : 0 }) + " " + units[i];
}

export function duration(seconds) {
  if (seconds < 60) return say(new T("time.s", { n: Math.max(1, Math.round(seconds)) }));
  if (seconds < 5400) return say(new T("time.min", { n: Math.round(seconds / 60) }));
  return say(new T("time.h", { n: number(seconds / 3600, { maximumFractionDigits: 1 }) }));
}

export const when = (unix) => new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(unix * 1000);

const table = {
  "title": ["aoai-bridge console", "aoai-bridge コンソール"],
  "skip": ["Skip to the content", "本文へ移動"],
  "nav": ["Views", "ビュー"],
  "nav.chat": ["Chat", "チャット"],
  "nav.tokens": ["Tokens", "トークン"],
  "nav.batches": ["Batches", "バッチ"],
  "nav.search": ["Search", "検索"],
  "language": ["Language", "言語"],
  "theme": ["Theme", "テーマ"],
  "theme.auto": ["Auto", "自動"],
  "theme.light": ["Light", "ライト"],
  "theme.dark": ["Dark", "ダーク"],
  "copy": ["Copy", "コピー"],
  "copied": ["Copied", "コピーしました"],
  "close": ["Close", "閉じる"],
  "cancel": ["Cancel", "キャンセル"],
  "retry": ["Try again", "再試行"],
  "time.s": ["{n} s", "{n} 秒"],
  "time.min": ["{n} min", "{n} 分"],
  "time.h": ["{n} h", "{n} 時間"],

  "key.title": ["Connect with your key", "キーで接続"],
  "key.lead": ["The console calls this endpoint with your own key, and shows what the key may use.", "このコンソールは、お持ちのキーでこのエンドポイントを呼び出し、そのキーで使えるものを表示します。"],
  "key.label": ["Key", "キー"],
  "key.hint": ["It stays in this tab's memory and goes nowhere except to this endpoint. The owner of the endpoint makes keys: make key NAME=alice. On the local stack it is sk-local.", "キーはこのタブのメモリにのみ保持され、このエンドポイント以外には送信されません。キーはエンドポイントの管理者が make key NAME=alice で発行します。ローカル環境では sk-local です。"],
  "key.keep": ["Keep it for reloads until this tab is closed", "タブを閉じるまで保持する（再読み込み後も有効）"],
  "key.connect": ["Connect", "接続"],
  "key.forget": ["Disconnect", "切断"],
  "key.models": ["Connected: {n} models", "接続済み：{n} モデル"],
  "key.none": ["This key may use no model yet. The owner of the endpoint adds deployments to the Azure secret.", "このキーで使えるモデルがありません。管理者が Azure シークレットにデプロイメントを追加する必要があります。"],

  "problem.400": ["The request was refused", "リクエストが拒否されました"],
  "remedy.400": ["Change what the message names, and send it again.", "メッセージが示す箇所を直して、再送してください。"],
  "problem.401": ["This key is not accepted", "このキーは受け付けられません"],
  "remedy.401": ["Check that it was copied whole. If it was replaced or removed, ask the owner of this endpoint for a new one.", "キー全体がコピーされているか確認してください。差し替えや削除があった場合は、管理者に新しいキーを依頼してください。"],
  "problem.403": ["This key may not do that", "このキーには権限がありません"],
  "remedy.403": ["Choose another model, or ask the owner of this endpoint to allow it.", "別のモデルを選ぶか、管理者に許可を依頼してください。"],
  "problem.404": ["Not found", "見つかりません"],
  "remedy.404": ["It may have been deleted, or the deployment is not there any more. Reload the list.", "削除されたか、デプロイメントが存在しません。一覧を再読み込みしてください。"],
  "problem.413": ["Too large for one request", "1 回のリクエストには大きすぎます"],
  "remedy.413": ["Send less at a time: fewer or smaller images, or a shorter conversation.", "画像を減らすか小さくする、会話を短くするなどして、量を減らしてください。"],
  "problem.429": ["Too many requests", "リクエストが多すぎます"],
  "remedy.429": ["The deployment's rate limit is used up. Wait a minute and try again.", "デプロイメントのレート制限に達しました。1 分ほど待って再試行してください。"],
  "remedy.after": ["The deployment's rate limit is used up. Try again in {n} seconds.", "デプロイメントのレート制限に達しました。{n} 秒後に再試行してください。"],
  "problem.500": ["The bridge has a fault", "ブリッジ側の障害です"],
  "remedy.500": ["Tell the owner of this endpoint, with the request id.", "リクエスト ID を添えて管理者に連絡してください。"],
  "problem.502": ["Azure OpenAI could not answer", "Azure OpenAI が応答できませんでした"],
  "remedy.502": ["Try again in a moment, or choose another model.", "少し待って再試行するか、別のモデルを選んでください。"],
  "problem.504": ["No answer in time", "時間内に応答がありませんでした"],
  "remedy.504": ["It may have been charged. Ask for less before you try again.", "課金された可能性があります。内容を減らしてから再試行してください。"],
  "problem.filter": ["The content filter refused the prompt", "コンテンツフィルターがプロンプトを拒否しました"],
  "remedy.filter": ["Change the prompt. What was found is shown below.", "プロンプトを変更してください。検出内容は下のとおりです。"],
  "problem.network": ["This endpoint cannot be reached", "エンドポイントに接続できません"],
  "remedy.network": ["Check the connection, and that the stack is running. Nothing was lost.", "ネットワークとスタックの稼働を確認してください。入力内容は失われていません。"],
  "problem.cut": ["The answer broke off", "応答が途中で切れました"],
  "remedy.cut": ["What came until then is shown above, and may have been charged. Send it again for a whole answer.", "それまでの内容は上に残っており、課金された可能性があります。完全な応答を得るには再送してください。"],
  "problem.midway": ["The answer failed midway", "応答が途中で失敗しました"],
  "problem.page": ["The console has a fault", "コンソールの障害です"],
  "problem.id": ["Request {id}", "リクエスト {id}"],

  "chat.system": ["System prompt", "システムプロンプト"],
  "chat.system.hint": ["Who the model is, and how it should answer", "モデルの役割と答え方"],
  "chat.message": ["Message", "メッセージ"],
  "chat.placeholder": ["Ask something. Enter sends, Shift+Enter is a new line.", "質問を入力。Enter で送信、Shift+Enter で改行。"],
  "chat.send": ["Send", "送信"],
  "chat.stop": ["Stop", "停止"],
  "chat.new": ["New chat", "新しいチャット"],
  "chat.settings": ["Settings", "設定"],
  "chat.model": ["Model", "モデル"],
  "chat.model.b": ["Second model", "2 つ目のモデル"],
  "chat.api": ["API", "API"],
  "chat.api.chat": ["Chat completions", "Chat Completions"],
  "chat.api.responses": ["Responses", "Responses"],
  "chat.compare": ["Compare two models", "2 つのモデルを比較"],
  "chat.empty": ["Try a model", "モデルを試す"],
  "chat.empty.lead": ["Write a message, or begin with an example.", "メッセージを入力するか、例から始めてください。"],
  "chat.you": ["You", "あなた"],
  "chat.edit": ["Edit and send again", "編集して再送"],
  "chat.resend": ["Send again", "再送"],
  "chat.image": ["Add images", "画像を追加"],
  "chat.image.n": ["Image {n}", "画像 {n}"],
  "chat.image.remove": ["Remove image {n}", "画像 {n} を削除"],
  "chat.image.bad": ["The models cannot read {name}. They read PNG, JPEG, WebP and GIF.", "{name} はモデルが読める画像ではありません。PNG、JPEG、WebP、GIF に対応しています。"],
  "chat.image.large": ["{name} has {size}; with the conversation, 4.5 MB of images fit into a request.", "{name} は {size} です。会話とあわせて 1 リクエストに入る画像は 4.5 MB までです。"],
  "chat.temperature": ["Temperature", "Temperature"],
  "chat.top_p": ["Top P", "Top P"],
  "chat.max": ["Longest answer (tokens)", "最大出力トークン"],
  "chat.effort": ["Reasoning effort", "推論の強度"],
  "chat.default": ["default", "既定値"],
  "chat.tools": ["Tools (JSON)", "ツール (JSON)"],
  "chat.tools.hint": ["A list of functions, in the form of either API", "関数のリスト（どちらの API の形式でも可）"],
  "chat.schema": ["Answer's schema (JSON)", "応答のスキーマ (JSON)"],
  "chat.schema.hint": ["A JSON schema that the answer has to fit", "応答が従う JSON スキーマ"],
  "chat.badjson": ["Not valid JSON: {message}", "JSON として正しくありません：{message}"],
  "chat.context": ["{n} tokens of context", "コンテキスト {n} トークン"],
  "chat.price": ["{in} in, {out} out per million tokens", "100 万トークンあたり 入力 {in}、出力 {out}"],
  "chat.retires": ["retires {date}", "{date} に廃止"],
  "chat.retired": ["retired {date}", "{date} に廃止済み"],
  "chat.first": ["{n} ms to the first token", "最初のトークンまで {n} ms"],
  "chat.rate": ["{n} tokens/s", "{n} トークン/秒"],
  "chat.usage": ["{in} in, {out} out", "入力 {in}、出力 {out}"],
  "chat.cached": ["{n} of them cached", "うちキャッシュ {n}"],
  "chat.reasoned": ["{n} reasoning", "推論 {n}"],
  "chat.stopped": ["Stopped. What came until then may be charged.", "停止しました。それまでの分は課金されることがあります。"],
  "chat.length": ["The answer reached its token limit.", "応答がトークン上限に達しました。"],
  "chat.filtered": ["The content filter ended the answer.", "コンテンツフィルターが応答を打ち切りました。"],
  "chat.waiting": ["Waiting for the first token", "最初のトークンを待っています"],
  "chat.done": ["{model} has answered", "{model} が応答しました"],
  "chat.thinking": ["Reasoning", "推論"],
  "chat.call": ["Calls {name}", "{name} を呼び出し"],
  "chat.result": ["Result of {name}", "{name} の結果"],
  "chat.results": ["Send results", "結果を送信"],
  "chat.answer": ["Answer of {model}", "{model} の応答"],
  "chat.code": ["Code", "コード"],
  "chat.code.title": ["This call as code", "この呼び出しのコード"],
  "chat.code.lead": ["What this message would send. The key is read from OPENAI_API_KEY.", "このメッセージで送信する内容です。キーは OPENAI_API_KEY から読み込みます。"],
  "chat.raw": ["Raw", "生データ"],
  "chat.raw.title": ["Last request and answer", "直近のリクエストと応答"],
  "chat.raw.none": ["Nothing has been sent in this tab yet.", "このタブではまだ何も送信していません。"],
  "chat.raw.request": ["Request", "リクエスト"],
  "chat.raw.headers": ["Headers of the answer", "応答ヘッダー"],
  "chat.raw.stream": ["Stream", "ストリーム"],
  "filter.found": ["Content filter", "コンテンツフィルター"],
  "sample.generate": ["Generate", "生成"],
  "sample.summarise": ["Summarise", "要約"],
  "sample.image": ["Read an image", "画像を読む"],
  "sample.code": ["Language to code", "自然言語からコード"],
  "md.image": ["Image: ", "画像："],
  "md.task": ["Task", "タスク"],
  "md.code": ["Code", "コード"],

  "tokens.text": ["Text", "テキスト"],
  "tokens.request": ["Request", "リクエスト"],
  "tokens.placeholder": ["Type or paste a text, or drop a file.", "テキストを入力・貼り付けるか、ファイルをドロップしてください。"],
  "tokens.empty": ["Its tokens appear here as you type.", "入力すると、ここにトークンが表示されます。"],
  "tokens.ids": ["Show ids", "ID を表示"],
  "tokens.file": ["Open a file", "ファイルを開く"],
  "tokens.tokens": ["Tokens", "トークン"],
  "tokens.size": ["As UTF-8", "UTF-8 サイズ"],
  "tokens.cost": ["As input", "入力としての料金"],
  "tokens.ofcontext": ["Of the context", "コンテキストに占める割合"],
  "tokens.colours": ["The text by tokens", "トークンごとのテキスト"],
  "tokens.first": ["The first {n} tokens are drawn; all are counted.", "先頭の {n} トークンのみ表示しています（集計は全体）。"],
  "tokens.large": ["{size}: it is counted in {n} requests of 1 MB, and not drawn. At the ends of the pieces the count may differ by a token.", "{size}：1 MB ずつ {n} 回のリクエストで数え、表示はしません。分割位置で 1 トークン程度の差が出ることがあります。"],
  "tokens.count": ["Count it", "数える"],
  "tokens.pieces": ["Counted in {n} pieces.", "{n} 個に分けて数えました。"],
  "tokens.counted": ["{n} tokens", "{n} トークン"],
  "tokens.request.label": ["A chat, responses or embeddings request", "Chat、Responses、Embeddings のリクエスト"],
  "tokens.output": ["Expected answer (tokens)", "想定する出力（トークン）"],
  "tokens.perminute": ["Calls per minute", "1 分あたりの呼び出し"],
  "tokens.ptuhour": ["USD per PTU and hour", "PTU 1 つの時間単価（USD）"],
  "estimate.input": ["{n} input tokens for {model}", "{model} の入力 {n} トークン"],
  "estimate.context": ["{in} in and up to {out} out, of {n}", "入力 {in}、出力 最大 {out}（上限 {n}）"],
  "estimate.toolong": ["This does not fit.", "上限を超えています。"],
  "estimate.part": ["Part", "部分"],
  "estimate.basis": ["Basis", "根拠"],
  "estimate.cost": ["Cost", "料金"],
  "estimate.type": ["Deployment type", "デプロイの種類"],
  "estimate.percall": ["A call", "1 回"],
  "estimate.atmost": ["At most", "最大"],
  "estimate.permonth": ["A month", "1 か月"],
  "estimate.ptu": ["Provisioned throughput for {n} calls a minute", "毎分 {n} 回に必要なプロビジョンドスループット"],
  "estimate.ptus": ["{n} PTUs ({raw} by the figures; from {min} in steps of {step})", "{n} PTU（計算値 {raw}、最小 {min}、{step} 単位）"],
  "estimate.noptu": ["Give the price of a PTU and hour above to see where it breaks even.", "損益分岐点を見るには、上に PTU の時間単価を入力してください。"],
  "estimate.even": ["Provisioned is cheaper from {n} calls a minute", "毎分 {n} 回からプロビジョンドが割安"],
  "estimate.noeven": ["Tokens are cheaper at every rate looked at", "調べた範囲ではトークン課金が割安"],
  "estimate.tokensmonth": ["Tokens, a month", "トークン課金（月）"],
  "estimate.ptumonth": ["Provisioned, a month", "プロビジョンド（月）"],
  "batch.drop": ["Drop a file of requests here", "リクエストのファイルをここにドロップ"],
  "batch.drop.hint": ["JSONL, one request a line, up to 8 GB. It is surveyed before anything is sent to a model.", "1 行 1 リクエストの JSONL、8 GB まで。モデルに送る前に内容を調べます。"],
  "batch.choose": ["Choose a file", "ファイルを選択"],
  "batch.example": ["Try an example", "例で試す"],
  "batch.size": ["{size}, sent in {n} parts.", "{size}、{n} 個に分けて送信します。"],
  "batch.emptyfile": ["The file is empty.", "ファイルが空です。"],
  "batch.toolarge": ["The file has {size}; 8 GB is the most. Split it, or drop it into the bucket.", "ファイルは {size} です。上限は 8 GB です。分割するか、バケットに直接置いてください。"],
  "batch.nojsonl": ["The first line is not a JSON object. Such lines come back with an error.", "先頭行が JSON オブジェクトではありません。該当行はエラーとして返されます。"],
  "batch.upload": ["Upload and survey", "アップロードして調べる"],
  "batch.sent": ["{sent} of {size} sent", "{size} 中 {sent} を送信"],
  "batch.reading": ["Reading the file: {n} lines so far", "ファイルを読んでいます：{n} 行"],
  "batch.lines": ["Lines", "行"],
  "batch.refused": ["Refused", "拒否"],
  "batch.cost": ["Expected cost", "想定料金"],
  "batch.saving": ["Saved against online", "オンラインとの差額"],
  "batch.parts": ["Parts", "パート"],
  "batch.endpoint": ["Endpoint", "エンドポイント"],
  "batch.others": ["{n} lines are for other endpoints and will be refused in this batch.", "{n} 行は別のエンドポイント宛のため、このバッチでは拒否されます。"],
  "batch.mode": ["Mode", "モード"],
  "batch.in": ["Tokens in", "入力トークン"],
  "batch.out": ["Tokens out", "出力トークン"],
  "batch.refusals": ["Refused lines ({n})", "拒否された行（{n}）"],
  "batch.line": ["Line {n}", "{n} 行目"],
  "batch.start": ["Start the batch", "バッチを開始"],
  "batch.surveyed": ["{n} lines, {refused} refused", "{n} 行、拒否 {refused}"],
  "batch.list": ["Your batches", "バッチ一覧"],
  "batch.none": ["No batch yet. Those that you start appear here.", "バッチはまだありません。開始するとここに表示されます。"],
  "batch.reload": ["Reload", "再読み込み"],
  "batch.more": ["Older ones", "以前のバッチ"],
  "batch.counts": ["{completed} answered, {failed} failed, of {total}", "{total} 中 完了 {completed}、失敗 {failed}"],
  "batch.left": ["about {time} to go", "残り約 {time}"],
  "batch.ended": ["{name}: {status}", "{name}：{status}"],
  "batch.cancel": ["Cancel batch", "バッチを取り消す"],
  "batch.results": ["Results", "結果"],
  "batch.failed": ["Failed lines", "失敗した行"],
  "batch.view": ["View answers", "応答を見る"],
  "batch.received": ["{size} received", "{size} を受信"],
  "batch.aws": ["The file is too large for a browser. Get it with the AWS CLI:", "ブラウザーで受け取るには大きすぎます。AWS CLI で取得してください："],
  "status.validating": ["Validating", "検証中"],
  "status.in_progress": ["In progress", "実行中"],
  "status.finalizing": ["Finalizing", "仕上げ中"],
  "status.completed": ["Completed", "完了"],
  "status.failed": ["Failed", "失敗"],
  "status.cancelling": ["Cancelling", "取り消し中"],
  "status.cancelled": ["Cancelled", "取り消し済み"],
  "status.expired": ["Expired", "期限切れ"],
  "viewer.request": ["Request", "リクエスト"],
  "viewer.answer": ["Answer", "応答"],
  "viewer.failed": ["Failed", "失敗"],
  "viewer.none": ["No answer", "応答なし"],
  "viewer.back": ["Back", "前へ"],
  "viewer.next": ["Next", "次へ"],
  "viewer.page": ["{from}–{to}", "{from}–{to}"],
  "search.nomodel": ["This key may use no embedding model.", "このキーで使える埋め込みモデルがありません。"],
  "search.example": ["Use an example", "例を使う"],
  "search.lines": ["Lines to search", "検索対象の行"],
  "search.lines.hint": ["One text a line, up to {n}. Drop a file or paste.", "1 行 1 テキスト、{n} 行まで。ファイルのドロップや貼り付けもできます。"],
  "search.question": ["What are you looking for?", "何を探しますか"],
  "search.find": ["Search", "検索"],
  "search.missing": ["Give lines to search and something to look for.", "検索対象の行と探す内容を入力してください。"],
  "search.toomany": ["{n} lines, and at most {most} can be searched. Take some out.", "{n} 行あります。上限は {most} 行です。減らしてください。"],
  "search.toolarge": ["The file is too large: at most {n} lines of 1 KB can be searched.", "ファイルが大きすぎます。1 KB の行で {n} 行までです。"],
  "search.embedding": ["Embedding the lines", "行を埋め込んでいます"],
  "search.done": ["{n} lines, {tokens} tokens", "{n} 行、{tokens} トークン"],
  "search.best": ["Best match: {line}", "最も近い行：{line}"],
  "search.near": ["20 nearest", "上位 20 件"],
  "search.far": ["others", "その他"],
  "search.map": ["Map of {n} lines: those with similar meanings are near each other", "{n} 行のマップ：近いほど意味が似ています"],
};
