import { testReplies } from "./replies.mjs";

testReplies("anthropic");
