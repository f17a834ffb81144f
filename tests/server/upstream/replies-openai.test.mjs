// Replies of a server that speaks the protocol of openai and behaves.
import { testReplies } from "./replies.mjs";

testReplies("openai");
