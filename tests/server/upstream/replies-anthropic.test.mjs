// Replies of a server that speaks the protocol of anthropic and behaves.
import { testReplies } from "./replies.mjs";

testReplies("anthropic");
